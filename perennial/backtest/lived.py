"""What really happened, beside the lives: the decisions of the ledger and the loss of what was live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.backtest.history import History
from perennial.backtest.lives import Lived
from perennial.backtest.stream import Stream
from perennial.clock import instant
from perennial.evaluation.arrays import FloatArray
from perennial.ledger.entries import BatchScored, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.our_columns import BATCH
from perennial.scoring.stored import scores_of
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema


@dataclass(frozen=True)
class Unlike:
    """The first decision that differs. really, backtest: its outcome, or `none` where there was no decision."""

    batch: str
    really: str
    backtest: str


@dataclass(frozen=True)
class ReallyLived:
    """decisions, releases: of the ledger. loss: of what was live, mean over the compared batches; None if unknown.

    alike: how many of the decisions, at how many moments with one, the declared life takes too. unlike: the first one
    that it does not take.
    """

    decisions: int
    releases: int
    loss: float | None
    batches: int
    moments: int
    alike: int
    unlike: Unlike | None


def really_lived(
    tables: Tables,
    ledger: Ledger,
    schema: Schema,
    history: History,
    stream: Stream,
    declared: Lived,
    compared: Sequence[int],
    usecase: str,
) -> ReallyLived:
    """The use case's own life up to the newest moment of the history."""
    last = history.known[-1].as_of
    decisions = [row.payload for row in ledger.all(usecase, Decision) if instant(row.payload.as_of) <= last]
    releases = [
        row.payload
        for row in ledger.all(usecase, Release)
        if instant(row.payload.as_of) <= last and row.payload.kind in ("first", "release")
    ]
    moments = [each.as_of for each in history.known]
    really = {moments.index(at): d.outcome for d in decisions if (at := instant(d.as_of)) in moments}
    backtest = {d.moment: d.outcome for d in declared.decisions}
    taken = sorted({*really, *backtest})
    differing = [t for t in taken if really.get(t) != backtest.get(t)]
    unlike = None
    if differing:
        t = differing[0]
        unlike = Unlike(history.windows[t], really.get(t, "none"), backtest.get(t, "none"))
    losses = _losses(tables, ledger, schema, history, stream, compared, usecase)
    return ReallyLived(
        decisions=len(decisions),
        releases=len(releases),
        loss=float(np.mean(losses)) if losses else None,
        batches=len(losses),
        moments=len(taken),
        alike=len(taken) - len(differing),
        unlike=unlike,
    )


def _losses(
    tables: Tables,
    ledger: Ledger,
    schema: Schema,
    history: History,
    stream: Stream,
    compared: Sequence[int],
    usecase: str,
) -> list[float]:
    """The metric of the stored predictions on each compared moment; nothing unless every row of all has one."""
    scored: dict[str, BatchScored] = {}
    for row in ledger.all(usecase, BatchScored):
        if row.payload.of is None:
            scored.setdefault(row.payload.batch, row.payload)
    losses = []
    for moment in compared:
        places = stream.arrivals(moment)
        predicted = _stored(tables, schema, history, places, scored, usecase)
        if predicted is None:
            return []
        losses.append(stream.value(predicted, places))
    return losses


def _stored(
    tables: Tables,
    schema: Schema,
    history: History,
    places: np.ndarray,
    scored: dict[str, BatchScored],
    usecase: str,
) -> FloatArray | None:
    rows = history.rows.iloc[places]
    batches = list(rows[BATCH].unique())
    if any(batch not in scored for batch in batches):
        return None
    looked_up = scores_of(tables, usecase, schema, rows, [scored[batch].key for batch in batches])
    if looked_up is None:
        return None
    scores, missing = looked_up
    return None if missing.any() else scores
