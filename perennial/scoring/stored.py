"""Predictions that are stored, for rows that would otherwise be predicted again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perennial.ledger.entries import BatchScored, ModelRef
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import Fitted
from perennial.our_columns import BATCH, PREFIX, PROBABILITIES, SCORE
from perennial.sources.parquet_file import evenly
from perennial.store.bounded import queried
from perennial.store.stored_rows import PART, StoredRows, rows_at, together
from perennial.store.stream import Stream, quoted
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PLACE = f"{PREFIX}place"
"""Which of the rows, from 0."""


@dataclass(frozen=True)
class StoredScores:
    """What one model has scored with batches of a use case, with the bits that predicting the rows again would give.

    names: id of a batch → key of its scored batch.
    """

    tables: Tables
    usecase: str
    schema: Schema
    model: Fitted
    names: Mapping[str, str]

    def of(self, rows: pd.DataFrame | StoredRows, *, every_batch: bool = False) -> np.ndarray | None:
        """The predictions for rows, shape (n,) or (n, K). Only rows without a stored one are predicted.

        rows: accepted, with their `BATCH`. every_batch: whether the model must have scored all of their batches.
        None if it has not, or if none of the rows is stored. Raises OutOfMemory, DiskFull.
        """
        batches = _batches_of(rows)
        wanted = [self.names[batch] for batch in batches if batch in self.names]
        if not wanted or (every_batch and len(wanted) < len(batches)):
            return None
        if isinstance(rows, StoredRows):
            return self._on_disk(rows, wanted)
        looked_up = scores_of(self.tables, self.usecase, self.schema, rows, wanted)
        if looked_up is None:
            return None
        predictions, new = looked_up
        if new.any():
            predictions[new] = self.model.predict(rows[new])
        return predictions

    def _on_disk(self, rows: StoredRows, wanted: list[str]) -> np.ndarray | None:
        key, column = list(self.schema.key), score_column(self.schema)
        # The table is read and joined at the same time.
        bounds = replace(rows.bounds, memory=rows.bounds.memory // 2)
        stream = replace(self.tables, bounds=bounds).stream(self.usecase, "predictions", wanted, [*key, column])
        if stream is None:
            return None
        score, by = quoted(column), ", ".join(map(quoted, key))
        query = f"SELECT {_PLACE}, stored.{score} FROM keys LEFT JOIN stored USING ({by}) ORDER BY {_PLACE}"
        joined = queried(bounds, query, PART, keys=_with_places(rows, key), stored=stream)
        return together(rows, (self._filled(rows, part) for part in evenly(joined.parts, PART)))

    def _filled(self, rows: StoredRows, part: pa.Table) -> np.ndarray:
        """The predictions of a part of the rows. part: their places, and the stored predictions or null."""
        column = part[score_column(self.schema)].combine_chunks()
        there = column.is_valid().to_numpy(zero_copy_only=False)
        known = column.drop_null()
        of_classes = self.schema.task == "multiclass"
        values = known.flatten().to_numpy().reshape(len(known), -1) if of_classes else known.to_numpy()
        predictions = np.empty((len(there), *values.shape[1:]))
        predictions[there] = values
        if not there.all():
            places = part[_PLACE].to_numpy()[~there]
            predictions[~there] = self.model.predict(rows_at(rows, places, rows.columns))
        return predictions


def stored_scores(
    tables: Tables, ledger: Ledger, usecase: str, schema: Schema, served: ModelRef, model: Fitted
) -> StoredScores:
    """What a model has scored. served: its version."""
    names = {
        each.payload.batch: each.key
        for each in ledger.all(usecase, BatchScored)
        if each.payload.same_again and each.payload.serves[0].model.digest == served.digest
    }
    other = schema.task == "multiclass" and model.classes != schema.classes
    return StoredScores(tables, usecase, schema, model, {} if other else names)


def _batches_of(rows: pd.DataFrame | StoredRows) -> list[str]:
    """The batches that the rows came with."""
    if not isinstance(rows, StoredRows):
        return list(rows[BATCH].unique())
    import pyarrow.compute as pc

    return sorted({name for part in rows.parts(PART, [BATCH]) for name in pc.unique(part[BATCH]).to_pylist()})


def _with_places(rows: StoredRows, key: list[str]) -> Stream:
    """The keys of the rows, each with the place of its row."""
    import pyarrow as pa

    def parts() -> Iterator[pa.Table]:
        start = 0
        for part in rows.parts(PART, key):
            yield part.append_column(_PLACE, pa.array(np.arange(start, start + part.num_rows)))
            start += part.num_rows

    types = rows.files[0].schema_arrow
    return Stream(pa.schema([*(types.field(name) for name in key), pa.field(_PLACE, pa.int64())]), parts())


def scores_of(
    tables: Tables, usecase: str, schema: Schema, rows: pd.DataFrame, names: list[str]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Stored scores of rows, shape (n,) or (n, K), and which rows have none, shape (n,): their scores mean nothing.

    names: keys of scored batches. None if the table has no row of them.
    """
    import pandas as pd

    key, column = list(schema.key), score_column(schema)
    table = tables.read(usecase, "predictions", names, [*key, column])
    if table is None or not table.num_rows:
        return None
    stored = table.to_pandas()
    places = pd.MultiIndex.from_frame(stored[key]).get_indexer(pd.MultiIndex.from_frame(rows[key]))
    return stacked(stored[column].iloc[places]), places < 0


def score_column(schema: Schema) -> str:
    """The column of the table `predictions` that has a use case's scores."""
    return PROBABILITIES if schema.task == "multiclass" else SCORE


def stacked(column: pd.Series) -> np.ndarray:
    """Stored predictions, shape (n,), or (n, K) for a column of lists."""
    return np.stack(column.to_list()) if column.dtype == object else column.to_numpy(dtype=np.float64, copy=True)


def predictions_in(tables: Tables, usecase: str, scored: BatchScored) -> pd.DataFrame:
    """The predictions of a scored batch as the table has them, without the prefix of our columns."""
    table = tables.read(usecase, "predictions", [scored.key])
    if table is None:
        raise LookupError(f"{usecase}: no table of predictions")
    return table.to_pandas().rename(columns=lambda name: name.removeprefix(PREFIX))
