"""`perennial plan`: what the next decisions could see, and how many days of labels would show more."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from perennial.cli import machine_clock
from perennial.cli.output import as_json, flowing, say, working
from perennial.cli.tables import Column, table
from perennial.errors import InputError
from perennial.evaluation.figures import counted, figure, percent, sample
from perennial.ledger.present import time_of
from perennial.settings import settings
from perennial.store.workspace import reading_workspace

if TYPE_CHECKING:
    from perennial.release.stages_plan import PlannedLoss, StagesPlan


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
    flowing(
        f"{usecase}: {planned.metric} {figure(planned.champion)} of the champion, policy {planned.policy} "
        f"(a release may err at {percent(planned.alpha)}), from {seen}{alike}."
    )
    flowing(
        f"A decision usually has {planned.usual} {unit}, enough to detect a gain of "
        f"{figure(planned.smallest, 3)} in 4 of 5 cases."
    )
    flowing(
        f"Labels that no decision has used yet: "
        f"{sample(planned.unspent_rows, planned.unspent_clusters, planned.cluster_by)}."
    )
    if planned.next_challenger:
        flowing(planned.next_challenger)
    if not planned.lines:
        flowing("The year's budget is spent: until the next one no gain leads to a release.")
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
    if declaration.release.serve != "single":
        flowing("These are gains of the mixture, not of the challenger alone.")


def plan_stages(usecase: str, json: bool) -> None:
    """What the declared stages will be able to see. Raises InputError if none is declared."""
    from perennial.release import stages_plan
    from perennial.team_code.metrics import metric_sources

    workspace = reading_workspace(settings())
    case, ledger = workspace.use_case(usecase), workspace.ledger
    now = time_of(ledger, case.declaration, machine_clock.now())
    with working("looking at the history"):
        planned = stages_plan.plan_stages(ledger, workspace.tables, case.declaration, metric_sources(case), now)
    if json:
        as_json(asdict(planned))
        return
    flowing(f"{usecase}: {_history_in_words(planned)}")
    for stage in planned.stages:
        for sentence in stage.sentences:
            flowing(sentence)
    if planned.losses:
        say()
        columns = (Column(f"loss of {planned.of}"), Column("share", right=True), Column("found by"), Column("keys"))
        table(columns, [_loss_cells(each) for each in planned.losses])
        flowing("Found in 4 of 5 cases by a last stage of that many days.")


def _loss_cells(loss: PlannedLoss) -> tuple[str, ...]:
    days = "more than half a year" if loss.days is None else f"{loss.days} days"
    return figure(loss.loss, 3), percent(loss.share), days, "–" if loss.keys is None else f"{loss.keys:,}"


def _history_in_words(planned: StagesPlan) -> str:
    value = "unknown" if planned.champion is None else figure(planned.champion)
    if planned.keys is not None:
        return (
            f"{planned.of} {value} per key of the champion, on {planned.keys:,} keys with labels, about "
            f"{planned.keys_a_day or 0:,.0f} a day. The arms are compared by this value, since feedback is "
            f"{planned.feedback}."
        )
    if planned.decisions is not None:
        return f"{planned.of} {value} of the champion, from {counted(planned.decisions, 'decision', 'decisions')}."
    return f"{planned.of}: nothing was compared or scored yet, so what a stage will see of it is unknown."


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
