"""The rows that may be used to evaluate a challenger: labels that count since its training and were never used."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perennial.clock import instant
from perennial.deciding.chosen_rows import chosen_rows
from perennial.deciding.labelled_rows import EvaluationRows
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Decision, Snapshot
from perennial.ledger.ledger import Ledger
from perennial.our_columns import ARRIVED_AT, BATCH, FIRST_KNOWN_AT
from perennial.store.batch_rows import batch_rows
from perennial.store.known import Known
from perennial.store.stored_rows import StoredRows
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd

WATCHED = timedelta(days=28)


def evaluation_rows(
    tables: Tables, ledger: Ledger, declaration: Declaration, known: Known, challenger: ChallengerEntry
) -> EvaluationRows:
    """Rows whose label became known after the challenger's snapshot and after every decision about another challenger.

    If the newest days were left out of the snapshot, their rows count too: see `_left_out`.
    A label counts from the later of two times: when it became known, and when it arrived. Whether a row is new depends
    on the first label it ever had, so neither a corrected label nor a restated batch brings a training row back.
    """
    snapshot = ledger.get(declaration.name, Snapshot, challenger.snapshot)
    if snapshot is None:
        raise LookupError(f"snapshot {challenger.snapshot} of challenger {challenger.challenger} is not in the ledger")
    decisions = [r.payload for r in ledger.all(declaration.name, Decision)]
    earlier = [instant(d.as_of) for d in decisions if d.challenger_id != challenger.challenger]
    if snapshot.payload.until is not None:
        return _left_out(tables, declaration, known, snapshot.payload, max(earlier, default=None))
    after = max([instant(snapshot.payload.as_of), *earlier])
    watched = _WATCHED.pop(_same(tables, declaration, known, after, _versions(tables, declaration.name)), None)
    return watched or rows_after(tables, declaration, known, after)


def rows_to_watch(
    tables: Tables, declaration: Declaration, known: Known, batch: BatchEntry, released: datetime
) -> tuple[pd.DataFrame | StoredRows, EvaluationRows]:
    """One batch's accepted rows, and the rows on which the champion's loss is measured.

    The latter are all rows whose label has become known since the previous batch arrived, and, because short batches
    alone would never be enough, those of the last `WATCHED` days. Rows whose label was known when the champion was
    released (`released`) are left out. If labels take a month, the rows belong to earlier batches.
    """
    versions = _versions(tables, declaration.name)
    rows = _OF_BATCH.pop(_of_batch(tables, declaration, known, batch, versions), None)
    if rows is None:
        rows = batch_rows(tables, declaration.name, declaration.schema_, known, (batch.batch,))
    arrived = instant(batch.arrived_at)
    earlier = [at for at in known.arrivals if at < arrived]
    after = max(released, min(arrived - WATCHED, max(earlier, default=arrived)))
    _WATCHED.clear()
    watched = rows_after(tables, declaration, known, after)
    _WATCHED[_same(tables, declaration, known, after, versions)] = watched
    return rows, watched


def rows_of_batch(
    tables: Tables, declaration: Declaration, known: Known, batch: BatchEntry
) -> pd.DataFrame | StoredRows:
    """The accepted rows of a batch to score. They are kept for the watch of the same batch, which takes them away."""
    _OF_BATCH.clear()
    versions = _versions(tables, declaration.name)
    rows = batch_rows(tables, declaration.name, declaration.schema_, known, (batch.batch,))
    _OF_BATCH[_of_batch(tables, declaration, known, batch, versions)] = rows
    return rows


_Versions = tuple[int | None, int | None]
"""Of the tables of accepted rows and of labels: an erasure, in another process too, makes a new one."""


def _versions(tables: Tables, usecase: str) -> _Versions:
    return tables.version(usecase, "accepted"), tables.version(usecase, "labels")


def _of_batch(
    tables: Tables, declaration: Declaration, known: Known, batch: BatchEntry, versions: _Versions
) -> tuple[object, ...]:
    return (*_same(tables, declaration, known, known.as_of, versions), batch.batch)


_OF_BATCH: dict[tuple[object, ...], pd.DataFrame | StoredRows] = {}
"""The rows of the batch that was scored last, until it is watched: a large one is not held while a model is fitted."""
_WATCHED: dict[tuple[object, ...], EvaluationRows] = {}
"""The rows that were watched last, for the decision that looks at the very same ones: read and scored once."""


def _same(
    tables: Tables, declaration: Declaration, known: Known, after: datetime, versions: _Versions
) -> tuple[object, ...]:
    """All that the rows depend on."""
    ids = (known.batch_ids, known.label_batch_ids, tuple(each.batch for each in known.replaced))
    return (tables.uri, declaration.name, declaration.digest, known.as_of, *ids, after, *versions)


def rows_after(
    tables: Tables, declaration: Declaration, known: Known, after: datetime, until: datetime | None = None
) -> EvaluationRows:
    """Labelled rows whose first label has counted since `after`, as they are known now. until: of earlier events."""
    schema = declaration.schema_
    late = bool(known.label_batches) or schema.label_known_at is not None
    # A label that came with its row counts from `label_known_after` past the batch's end, or from its arrival, at the
    # latest: older batches hold nothing new.
    only = tuple(
        b.batch
        for b, arrived in zip(known.batches, known.arrivals, strict=True)
        if late or arrived > after or instant(b.end) + schema.label_known_after > after
    )

    def are_new(rows: pd.DataFrame) -> pd.Series:
        # Of the rows without a label, those whose label would have been new count as still to come.
        known_by, arrived = rows[schema.time] + schema.label_known_after, rows[ARRIVED_AT]
        own = known_by.where(known_by > arrived, arrived)
        unlabelled = rows[FIRST_KNOWN_AT].isna() & (late | (own > after))
        new = unlabelled | (rows[FIRST_KNOWN_AT] > after)
        return new if until is None else new & (rows[schema.time] < until)

    return chosen_rows(tables, declaration, known, only or known.batch_ids[-1:], are_new)


def _left_out(
    tables: Tables, declaration: Declaration, known: Known, snapshot: Snapshot, after: datetime | None
) -> EvaluationRows:
    """The rows of the days that a training left out and of those since then. after: no earlier label counts.

    Rows that the training could see count only in the revision that it saw: a corrected time must not bring a row that
    it learned from among those that it left out. Of the rows without a label, those up to the last labelled day count
    as still to come.
    """
    schema, since = declaration.schema_, instant(snapshot.until or snapshot.as_of)
    only = tuple(b.batch for b in known.batches if instant(b.end) > since) or known.batch_ids[-1:]

    def are_new(rows: pd.DataFrame) -> pd.Series:
        first_known = rows[FIRST_KNOWN_AT]
        new = (first_known > instant(snapshot.as_of)) | rows[BATCH].isin(snapshot.batches)
        return (rows[schema.time] >= since) & (first_known.isna() | (new & (after is None or first_known > after)))

    return replace(chosen_rows(tables, declaration, known, only, are_new, through_last_day=True), since=since)
