"""The past challengers that a mixture may recall, and how well each has predicted since its training.

A batch's labels are measured once, as they were known when it arrived, and kept in the ledger: a replay then has the
same weights to the last bit, and a decision scores one new batch instead of the whole history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from perennial.clock import instant, write_instant
from perennial.deciding.evaluation_rows import rows_after
from perennial.deciding.labelled_rows import EvaluationRows, labels_in
from perennial.errors import ModelDeleted, ModelUnloadable
from perennial.evaluation.hedge import Followed, hedge_weights
from perennial.evaluation.metrics.metric import Undefined
from perennial.ledger.entries import BatchEntry, BatchFollowed, ChallengerEntry, ModelRef, Snapshot
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import Fitted
from perennial.model.released import load_model
from perennial.our_columns import FIRST_KNOWN_AT
from perennial.store.known import known_at
from perennial.store.registry import Registry
from perennial.store.rows import weights_of
from perennial.store.tables import Tables
from perennial.team_code.loading import TeamCodeFailed
from perennial.team_code.metrics import declared_metric
from perennial.usecase.declaration import Declaration

_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)


class CannotScore(ModelUnloadable):
    """A past model cannot predict today's rows, for example because they lack one of its columns."""


@dataclass(frozen=True)
class Past:
    """A challenger that may be recalled. trained_to: the time of the last event that it was trained on."""

    entry: ChallengerEntry
    trained_to: str
    weight: float


@dataclass(frozen=True)
class _Arrival:
    """Rows whose labels became known after a moment and by another one, at which a batch had arrived.

    until: only those of events before this instant; None: all.
    """

    batch: BatchEntry
    at: datetime
    before: datetime
    until: datetime | None = None

    @property
    def key(self) -> tuple[datetime, datetime | None]:
        return self.at, self.until


def batches_to_follow(
    tables: Tables,
    ledger: Ledger,
    registry: Registry,
    declaration: Declaration,
    sources: Mapping[str, str],
    challenger: ChallengerEntry,
    judging: EvaluationRows,
) -> Iterator[BatchFollowed]:
    """What the past challengers lose on the batches that are not measured yet, the oldest first; the caller commits it.

    Only rows that the challenger itself could learn from: see `_arrivals`.
    sources: file name → text of the custom metrics. Raises RegistryDown, TeamCodeFailed.
    """
    challengers = [row.payload for row in ledger.all(declaration.name, ChallengerEntry)]
    measured = _measured(ledger, declaration)
    for arrival in _arrivals(ledger, declaration.name, challenger, judging):
        past = [each for each in challengers if instant(each.as_of) <= arrival.before]
        if past and arrival.key not in measured:
            known = known_at(ledger, declaration.name, arrival.at)
            rows = rows_after(tables, declaration, known, arrival.before, arrival.until)
            yield _followed(registry, declaration, sources, arrival, past, rows)


def past_challengers(
    ledger: Ledger, declaration: Declaration, challenger: ChallengerEntry, judging: EvaluationRows
) -> tuple[Past, ...]:
    """The challengers that had been trained before the evaluation rows, with their weights, the newest first."""
    usecase = declaration.name
    measured = _measured(ledger, declaration)
    entries = {row.payload.challenger: row.payload for row in ledger.all(usecase, ChallengerEntry)}
    batches = []
    for arrival in _arrivals(ledger, usecase, challenger, judging):
        joined = tuple(n for n, each in entries.items() if arrival.before < instant(each.as_of) <= arrival.at)
        if arrival.until is not None:
            joined = ()  # they may have learned from the rows that evaluate
        batch = measured.get(arrival.key)
        if batch is None or batch.naive is None:
            batches.append(Followed({}, 0.0, joined))
        else:
            batches.append(Followed(batch.losses, batch.naive, joined))
    return tuple(
        Past(entries[name], _trained_to(ledger, entries[name], usecase), weight)
        for name, weight in hedge_weights(batches)
    )


def scorable(registry: Registry, declaration: Declaration, model: ModelRef, rows: EvaluationRows) -> Fitted:
    """The model, which predicts these rows. Raises ModelUnloadable if it is gone or cannot, RegistryDown."""
    fitted = load_model(registry, declaration.name, model)
    if fitted.task != declaration.schema_.task:
        raise CannotScore(f"it was trained for the task {fitted.task}")
    try:
        predicted = rows.predictions(fitted)
    except (KeyError, TypeError, ValueError, TeamCodeFailed) as why:
        raise CannotScore(f"it cannot predict today's rows: {why}") from why
    if not np.isfinite(np.asarray(predicted, dtype=np.float64)).all():
        raise CannotScore("its predictions of today's rows are not all finite")
    return fitted


def in_short(why: ModelUnloadable) -> str:
    """The reason without the ways to repair it, which follow on later lines."""
    if isinstance(why, ModelDeleted):
        return "it is no longer in MLflow under its name"
    return str(why).partition("\n")[0].rstrip(".")


def _arrivals(ledger: Ledger, usecase: str, challenger: ChallengerEntry, judging: EvaluationRows) -> list[_Arrival]:
    """The arrivals of accepted batches before the first label to evaluate on became known, the oldest first.

    For a challenger without the newest days, the rest of what it was trained on follows: labels that became known
    together with those, of events before these days.
    """
    if not len(judging.rows):
        return []
    first, trained = judging.rows[FIRST_KNOWN_AT].min().to_pydatetime(), instant(challenger.as_of)
    batches = [row.payload for row in ledger.all(usecase, BatchEntry) if row.payload.status == "accepted"]
    newest = {instant(batch.arrived_at): batch for batch in batches}
    moments = [_BEFORE_ALL, *sorted(at for at in newest if at < first)]
    arrivals = [_Arrival(newest[at], at, former) for former, at in pairwise(moments)]
    if judging.since is not None and moments[-1] < trained:
        last = max(at for at in newest if at <= trained)
        arrivals.append(_Arrival(newest[last], trained, moments[-1], judging.since))
    return arrivals


def _measured(ledger: Ledger, declaration: Declaration) -> dict[tuple[datetime, datetime | None], BatchFollowed]:
    """By the declared primary metric, by the arrival of the batch and the instant before which its events are."""
    metric = declaration.primary, declaration.metric_code(declaration.primary)
    return {
        (instant(row.payload.as_of), instant(row.payload.until) if row.payload.until else None): row.payload
        for row in ledger.all(declaration.name, BatchFollowed)
        if (row.payload.metric, row.payload.own_code) == metric
    }


def _followed(
    registry: Registry,
    declaration: Declaration,
    sources: Mapping[str, str],
    arrival: _Arrival,
    past: list[ChallengerEntry],
    rows: EvaluationRows,
) -> BatchFollowed:
    """past: the challengers, the oldest first."""
    schema, primary = declaration.schema_, declaration.primary
    labels, weights = labels_in(rows, schema), weights_of(rows.rows, schema)
    metric = declared_metric(declaration, sources, primary, rows=rows.rows, codes=rows.codes)

    def loss(model: Fitted, predicted: np.ndarray) -> float:
        value = metric.measured(labels, model.over(predicted, schema.classes), weights)[0]
        return value if metric.direction == "lower" else -value

    losses: dict[str, float] = {}
    not_measured: dict[str, str] = {}
    naive = None
    try:
        for each in past if len(rows.rows) else ():
            try:
                model = scorable(registry, declaration, each.model, rows)
            except ModelUnloadable as why:
                not_measured[each.challenger] = in_short(why)
                continue
            losses[each.challenger] = loss(model, rows.predictions(model))
            naive = loss(model, model.naive_predictions(len(labels)))
    except Undefined:
        losses, naive = {}, None
    return BatchFollowed(
        batch=arrival.batch.batch,
        window=arrival.batch.window,
        as_of=write_instant(arrival.at),
        metric=primary,
        own_code=declaration.metric_code(primary),
        rows=len(labels),
        losses=losses,
        naive=naive,
        not_measured=not_measured,
        until=None if arrival.until is None else write_instant(arrival.until),
    )


def _trained_to(ledger: Ledger, entry: ChallengerEntry, usecase: str) -> str:
    snapshot = ledger.get(usecase, Snapshot, entry.snapshot)
    if snapshot is None:
        raise LookupError(f"snapshot {entry.snapshot} of challenger {entry.challenger} is not in the ledger")
    return snapshot.payload.last
