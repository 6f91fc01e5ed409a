"""`perennial plan`: what the next decisions could see, and how many days of labels would show more."""

from __future__ import annotations

from dataclasses import asdict

from perennial.cli import machine_clock
from perennial.cli.output import as_json, say, working
from perennial.cli.tables import Column, table
from perennial.errors import InputError
from perennial.evaluation.figures import counted, figure, percent, sample
from perennial.ledger.present import time_of
from perennial.settings import settings
from perennial.store.workspace import reading_workspace


def plan(usecase: str, gain: float | None, json: bool) -> None:
    """Raises InputError for a gain that is not positive, and if nothing was compared yet."""
    from perennial.deciding.plan import plan_of

    if gain is not None and not gain > 0:
        raise InputError(f"--gain: {gain:g} must be above 0: how much better a model should be")
    workspace = reading_workspace(settings())
    declaration, ledger = workspace.use_case(usecase).declaration, workspace.ledger
    with working("looking at the history"):
        planned = plan_of(
            ledger, workspace.tables, declaration, time_of(ledger, declaration, machine_clock.now()), gain
        )
    if json:
        as_json(asdict(planned))
        return
    unit = f"{planned.cluster_by}s"
    alike = (
        "" if planned.inflation is None else f", variance multiplied by {figure(planned.inflation, 3)} for neighbours"
    )
    seen = counted(planned.decisions, "decision", "decisions")
    say(
        f"{usecase}: {planned.metric} {figure(planned.champion)} of the champion, policy {planned.policy} "
        f"(a release may err at {percent(planned.alpha)}), from {seen}{alike}."
    )
    say(
        f"A decision usually has {planned.usual} {unit}, enough to detect a gain of "
        f"{figure(planned.smallest, 3)} in 4 of 5 cases."
    )
    say(
        f"Labels that no decision has used yet: "
        f"{sample(planned.unspent_rows, planned.unspent_clusters, planned.cluster_by)}."
    )
    if not planned.lines:
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
        for line in planned.lines
    ]
    table(columns_of(unit), rows)


def columns_of(unit: str) -> tuple[Column, ...]:
    """The columns of the table. unit: what labels are counted in."""
    return (
        Column("gain", right=True),
        Column("of the loss", gives_way=2),
        Column(f"{unit} of labels"),
        Column("range over decisions", gives_way=1),
        Column("reached"),
    )


def _or_more(clusters: int | None) -> str:
    return "ten years or more" if clusters is None else f"{clusters:,}"
