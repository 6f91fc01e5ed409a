"""`perennial plan`: what the next decisions could see, and how many days of labels would show more."""

from __future__ import annotations

from dataclasses import asdict

from perennial.cli import machine_clock
from perennial.cli.output import as_json, say, table
from perennial.errors import InputError
from perennial.evaluation.figures import counted, figure, percent, sample
from perennial.ledger.present import time_of
from perennial.settings import settings
from perennial.store.workspace import reading_workspace


def plan(usecase: str, gain: float | None, json: bool) -> None:
    """Raises InputError for a gain that is none, and where nothing was compared yet."""
    from perennial.deciding.plan import plan_of

    if gain is not None and not gain > 0:
        raise InputError(f"--gain: {gain:g} is no gain; write how much better a model should be, above 0")
    workspace = reading_workspace(settings())
    declaration, ledger = workspace.use_case(usecase).declaration, workspace.ledger
    found = plan_of(ledger, workspace.tables, declaration, time_of(ledger, declaration, machine_clock.now()), gain)
    if json:
        as_json(asdict(found))
        return
    unit = f"{found.cluster_by}s"
    alike = "" if found.inflation is None else f", variance multiplied by {figure(found.inflation, 3)} for neighbours"
    seen = counted(found.decisions, "decision", "decisions")
    say(
        f"{usecase}: {found.metric} {figure(found.champion)} of the champion, policy {found.policy} "
        f"(a release may err at {percent(found.alpha)}), from {seen}{alike}."
    )
    say(
        f"A decision usually has {found.usual} {unit}; they show a gain of {figure(found.smallest, 3)} in 4 of 5 cases."
    )
    say(f"Unspent: {sample(found.unspent_rows, found.unspent_clusters, found.cluster_by)} that judged nobody yet.")
    if not found.lines:
        say("The year's budget is spent: until the next one no gain leads to a release.")
        return
    rows = [
        (
            figure(line.gain, 3),
            percent(line.share),
            "more than ten years" if line.clusters is None else f"{line.clusters:,}",
            f"{_or_more(line.low)} to {_or_more(line.high)}",
            (line.reached or "–").partition("T")[0],
        )
        for line in found.lines
    ]
    table(("gain", "of the loss", f"{unit} of labels", "from decision to decision", "reached"), rows, right=("gain",))


def _or_more(clusters: int | None) -> str:
    return "ten years or more" if clusters is None else f"{clusters:,}"
