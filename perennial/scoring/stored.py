"""Predictions that are stored, for rows that would otherwise be predicted again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.ledger.entries import BatchScored, ModelRef
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import Fitted
from perennial.our_columns import BATCH, PREFIX, PROBABILITIES, SCORE
from perennial.store.stored_rows import PART, StoredRows, query_stream, rows_at, together
from perennial.store.stream import Stream, listed, quoted
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_IS_STORED = f"{PREFIX}is_stored"


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
        """Keys and stored predictions are sorted together, which takes less memory than a join of as many."""
        key, column = list(self.schema.key), score_column(self.schema)
        stored = self.tables.stream(self.usecase, "predictions", wanted, [*key, column])
        if stored is None:
            return None
        by = listed(key)
        query = f"""
            SELECT {by}, {quoted(column)}, true AS {_IS_STORED} FROM stored
            UNION ALL BY NAME SELECT {by}, false AS {_IS_STORED} FROM keys
            ORDER BY {by}, {_IS_STORED} DESC
        """
        keys = rows.stream(key)
        return together(rows, self._merged(rows, query_stream(rows.bounds, query, stored=stored, keys=keys)))

    def _merged(self, rows: StoredRows, ordered: Stream) -> Iterator[np.ndarray]:
        """The predictions, part by part. ordered: each key of the rows, in their order, after its stored prediction."""
        import pyarrow as pa
        import pyarrow.compute as pc

        start, last = 0, None
        for part in ordered.parts:
            if not part.num_rows:
                continue
            both = pa.concat_tables([part.slice(0, 1) if last is None else last, part]).combine_chunks()
            before, here = both.slice(0, part.num_rows), both.slice(1)
            same = np.ones(part.num_rows, dtype=bool)
            for name in self.schema.key:
                same &= pc.equal(here[name], before[name]).to_numpy()
            if last is None:
                same[0] = False  # nothing is before the first one
            asked, last = ~here[_IS_STORED].to_numpy(), part.slice(part.num_rows - 1)
            there = (same & before[_IS_STORED].to_numpy())[asked]
            scores = before[score_column(self.schema)].filter(pa.array(asked)).filter(pa.array(there))
            yield self._filled(rows, start, there, scores.combine_chunks())
            start += len(there)

    def _filled(self, rows: StoredRows, start: int, there: np.ndarray, scores: pa.Array) -> np.ndarray:
        """The predictions for the rows from `start` on. there: which of them are stored. scores: of these."""
        of_classes = self.schema.task == "multiclass"
        values = scores.flatten().to_numpy().reshape(len(scores), -1) if of_classes else scores.to_numpy()
        predictions = np.empty((len(there), *values.shape[1:]))
        predictions[there] = values
        if not there.all():
            places = start + np.flatnonzero(~there)
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
