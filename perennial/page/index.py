"""The first page: every use case of a home, a card each.

Each use case's page leaves a summary beside it, so that writing the index reads no other use case's history.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from perennial.clock import day, instant
from perennial.evaluation.figures import counted, figure
from perennial.ledger.present import last_batch
from perennial.page.charts import sparkline
from perennial.page.drawing import unchecked_charts
from perennial.page.first_screen import answers, live_in_words
from perennial.page.history import History
from perennial.usecase.declaration import Declaration

CHARTED = 24
"""How many of the newest losses a card draws."""


class Summary(BaseModel):
    """A use case in a few words. state: the worst of its answers; order of the cards: bad first.

    chart: SVG of the champion's newest losses. needs: what needs a person.
    episodes: open alarms; informs: open episodes that only inform.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str
    description: str
    state: Literal["good", "wait", "bad"]
    live: str
    loss: str
    chart: str
    episodes: tuple[str, ...]
    informs: tuple[str, ...] = ()
    batch: str
    decision: str
    schedule: str
    needs: tuple[str, ...]


def summary_of(history: History, declaration: Declaration) -> Summary:
    """The card of a use case. Whatever is not known yet is reported as unknown."""
    fine, _, needed = answers(history)
    worst = next(state for state in ("bad", "wait", "good") if state in (fine.state, needed.state))
    batch, newest = last_batch(history.batches), history.decisions[-1:]
    return Summary(
        usecase=history.usecase,
        description=history.description,
        state=worst,
        live=f"{live_in_words(history.live)}{_age(history)}",
        loss=_loss(history),
        chart=_chart(history),
        episodes=tuple(f"{each.channel} since {day(each.opened_at)}" for each in history.open_alarms),
        informs=tuple(f"{each.channel} since {day(each.opened_at)}" for each in history.open_information),
        batch=f"{batch.window}: {batch.status}, {counted(batch.rows.arrived, 'row', 'rows')}" if batch else "none yet",
        decision="".join(f"{history.headline(each)} ({day(each.as_of)})" for each in newest) or "none yet",
        schedule=_schedule(declaration),
        needs=needed.lines,
    )


def _age(history: History) -> str:
    """How old the live release was when the newest batch arrived."""
    batch = last_batch(history.batches)
    if history.live is None or batch is None:
        return ""
    age = instant(batch.arrived_at) - instant(history.live.since)
    return f", {counted(max(age.days, 0), 'day', 'days')} old at the newest batch"


def _loss(history: History) -> str:
    loss = history.cycles[-1].health.loss if history.cycles else None
    if loss is None:
        return f"{history.metric}: unknown on the newest batch"
    rows = counted(history.cycles[-1].health.labelled_rows, "row", "rows")
    beside = "" if loss.reference is None else f"; {figure(loss.reference)} where it was evaluated"
    return f"{history.metric} {figure(loss.value)} ({figure(loss.ci_low)} to {figure(loss.ci_high)}, {rows}){beside}"


def _chart(history: History) -> str:
    losses = [cycle.health.loss for cycle in history.cycles if cycle.health.loss is not None][-CHARTED:]
    with unchecked_charts():
        return sparkline([each.value for each in losses], losses[-1].reference if losses else None)


def _schedule(declaration: Declaration) -> str:
    triggers = declaration.triggers
    return f"{triggers.schedule} ({triggers.timezone})" if triggers.schedule else "none declared"


def summaries(folder: Path, names: Sequence[str]) -> list[Summary]:
    """The summaries beside the pages of these use cases, what needs a person first, then by name."""
    paths = [folder / f"{name}.json" for name in sorted(names)]
    known = [Summary.model_validate_json(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]
    return sorted(known, key=lambda each: ("bad", "wait", "good").index(each.state))
