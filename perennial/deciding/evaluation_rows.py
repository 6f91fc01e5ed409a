"""The rows that may be used to evaluate a challenger: labels that count since its training and were never used."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.evaluation.figures import UNITS
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import relative
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Decision, Snapshot
from perennial.ledger.ledger import Ledger
from perennial.our_columns import ARRIVED_AT, BATCH, FIRST_KNOWN_AT, LABEL
from perennial.store.known import Known
from perennial.store.rows import read_rows, weights_of
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_evaluation import EvaluationRules
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd

    from perennial.model.artifact import Fitted

WATCHED = timedelta(days=28)


@dataclass(frozen=True)
class EvaluationRows:
    """Labelled rows in key order with the cluster of each, and the share of eligible rows that are labelled.

    codes: shape (n,), cluster of each row, 0..T-1 in time order; names: T names, for example dates.
    second: the column of a second clustering and each row's cluster, shape (n,), from 0.
    since: the instant from which events were left out of the challenger's training; None if none were.
    """

    rows: pd.DataFrame
    codes: np.ndarray
    names: tuple[str, ...]
    labelled_share: float
    second: tuple[str, np.ndarray] | None = None
    since: datetime | None = None
    _predicted: dict[Fitted, np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    def adopt(self, model: Fitted, predictions: np.ndarray | None) -> None:
        """Take what a model has predicted for the rows already, None if nothing is known. Its bits must be the same."""
        if predictions is not None:
            self._predicted[model] = predictions

    def predictions(self, model: Fitted) -> np.ndarray:
        """What a model predicts for the rows, shape (n,) or (n, k). It is asked once: see `rows_to_watch`."""
        if model not in self._predicted:
            self._predicted[model] = model.predict(self.rows)
        return self._predicted[model]


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
    watched = _WATCHED.pop(_same(tables, declaration, known, after), None)
    return watched or rows_after(tables, declaration, known, after)


def rows_to_watch(
    tables: Tables, declaration: Declaration, known: Known, batch: BatchEntry, released: datetime
) -> tuple[pd.DataFrame, EvaluationRows]:
    """One batch's accepted rows, and the rows on which the champion's loss is measured.

    The latter are all rows whose label has become known since the previous batch arrived, and, because short batches
    alone would never be enough, those of the last `WATCHED` days. Rows whose label was known when the champion was
    released (`released`) are left out. If labels take a month, the rows belong to earlier batches.
    """
    rows = _OF_BATCH.pop(_of_batch(tables, declaration, known, batch), None)
    if rows is None:
        rows = read_rows(tables, declaration.name, declaration.schema_, known, only=(batch.batch,))
    earlier = [at for b in known.batches if (at := instant(b.arrived_at)) < instant(batch.arrived_at)]
    after = max(released, min([instant(batch.arrived_at) - WATCHED, *([max(earlier)] if earlier else [])]))
    _WATCHED.clear()
    watched = _WATCHED[_same(tables, declaration, known, after)] = rows_after(tables, declaration, known, after)
    return rows, watched


def rows_of_batch(tables: Tables, declaration: Declaration, known: Known, batch: BatchEntry) -> pd.DataFrame:
    """The accepted rows of a batch to score. They are kept for the watch of the same batch, which takes them away."""
    _OF_BATCH.clear()
    rows = read_rows(tables, declaration.name, declaration.schema_, known, only=(batch.batch,))
    _OF_BATCH[_of_batch(tables, declaration, known, batch)] = rows
    return rows


def _of_batch(tables: Tables, declaration: Declaration, known: Known, batch: BatchEntry) -> tuple[object, ...]:
    return (*_same(tables, declaration, known, known.as_of), batch.batch)


_OF_BATCH: dict[tuple[object, ...], pd.DataFrame] = {}
"""The rows of the batch that was scored last, until it is watched: a large one is not held while a model is fitted."""
_WATCHED: dict[tuple[object, ...], EvaluationRows] = {}
"""The rows that were watched last, for the decision that looks at the very same ones: read and scored once."""


def _same(tables: Tables, declaration: Declaration, known: Known, after: datetime) -> tuple[object, ...]:
    """All that the rows depend on; an erasure, in another process too, makes a new version of a table."""
    usecase = declaration.name
    ids = (known.batch_ids, known.label_batch_ids, tuple(each.batch for each in known.replaced))
    versions = (tables.version(usecase, "accepted"), tables.version(usecase, "labels"))
    return (tables.uri, usecase, declaration.digest, known.as_of, *ids, after, *versions)


def rows_after(tables: Tables, declaration: Declaration, known: Known, after: datetime) -> EvaluationRows:
    """Labelled rows whose first label has counted since `after`, as they are known now."""
    schema = declaration.schema_
    late = bool(known.label_batches) or schema.label_known_at is not None
    # A label that came with its row counts from `label_known_after` past the batch's end, or from its arrival, at the
    # latest: older batches hold nothing new.
    only = tuple(b.batch for b in known.batches if late or _own_labels_by(b, schema) > after)
    if not only:
        only = known.batch_ids[-1:]
    rows = read_rows(tables, declaration.name, schema, known, only=only)
    # Of the rows without a label, those whose label would have been new count as still to come.
    known_by, arrived = rows[schema.time] + schema.label_known_after, rows[ARRIVED_AT]
    own = known_by.where(known_by > arrived, arrived)
    unlabelled = rows[FIRST_KNOWN_AT].isna() & (late | (own > after))
    return labelled(declaration, rows[unlabelled | (rows[FIRST_KNOWN_AT] > after)])


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
    rows = read_rows(tables, declaration.name, schema, known, only=only)
    first_known = rows[FIRST_KNOWN_AT]
    new = (first_known > instant(snapshot.as_of)) | rows[BATCH].isin(snapshot.batches)
    rows = rows[(rows[schema.time] >= since) & (first_known.isna() | (new & (after is None or first_known > after)))]
    with_label = rows.loc[rows[LABEL].notna(), schema.time]
    if len(with_label):
        midnight = with_label.max().tz_convert(schema.timezone).normalize() + timedelta(days=1)
        rows = rows[rows[schema.time] < midnight]
    return replace(labelled(declaration, rows), since=since)


def _own_labels_by(batch: BatchEntry, schema: Schema) -> datetime:
    """The latest time from which the labels that came with a batch's rows count."""
    return max(instant(batch.end) + schema.label_known_after, instant(batch.arrived_at))


def labelled(declaration: Declaration, rows: pd.DataFrame) -> EvaluationRows:
    """The rows that have a label, with their clusters."""
    known = rows[rows[LABEL].notna()].reset_index(drop=True)
    names = cluster_names(known, declaration.schema_, declaration.evaluation)
    distinct, codes = np.unique(names, return_inverse=True)
    other, second = declaration.evaluation.second_cluster, None
    if other is not None and len(known):
        second = other, np.unique(_groups(known, other), return_inverse=True)[1].astype(np.int64)
    share = len(known) / len(rows) if len(rows) else 0.0
    return EvaluationRows(known, codes.astype(np.int64), tuple(str(n) for n in distinct), share, second)


def clusters_of(declaration: Declaration, rows: EvaluationRows) -> Clusters:
    """The declared clusters of the rows, and how much each row counts."""
    weights = relative(weights_of(rows.rows, declaration.schema_))
    return Clusters(np.asarray(rows.codes, dtype=np.int64), declaration.evaluation.cluster_name, rows.second, weights)


def cluster_names(rows: pd.DataFrame, schema: Schema, evaluation: EvaluationRules) -> np.ndarray:
    """The local day (2013-01-31), ISO week (2013-W05) or value of the declared column of each row, shape (n,).

    Days and weeks are those of the schema's time zone. Rows without a value form one cluster, named `nothing`.
    """
    unit = evaluation.cluster_name
    if unit not in UNITS:
        return _groups(rows, unit)
    local = rows[schema.time].dt.tz_convert(schema.timezone)
    pattern = {"day": "%Y-%m-%d", "week": "%G-W%V"}[unit]
    days = local.dt.normalize()
    # Formatting is slow and there are few distinct days: format each day once.
    spelled = {day: day.strftime(pattern) for day in days.unique()}
    return days.map(spelled).to_numpy(dtype=str) if len(rows) else np.empty(0, dtype=str)


def _groups(rows: pd.DataFrame, column: str) -> np.ndarray:
    values = rows[column]
    named: np.ndarray = values.astype("str").where(values.notna(), "nothing").to_numpy(dtype=str)
    return named
