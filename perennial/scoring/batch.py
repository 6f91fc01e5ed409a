"""A release's predictions for the rows of a batch, as the table `predictions` holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import write_instant
from perennial.content import digest_columns, digest_rows
from perennial.content_in_parts import digest_parts
from perennial.intake.frames import arrow_column
from perennial.ledger.entries import BatchEntry, BatchScored
from perennial.ledger.entries.serving import scoring
from perennial.model.released import Serving
from perennial.our_columns import (
    BATCH,
    FEATURES,
    PROBABILITIES,
    RELEASE_NO,
    SCORE,
    SCORED_AT,
    VERSIONS,
    WINDOW,
)
from perennial.scoring.elsewhere import Elsewhere
from perennial.scoring.made_by import MadeBy
from perennial.scoring.same_again import same_again
from perennial.sources.column_type import ColumnType
from perennial.store.stored_rows import PART, StoredRows, parts_of, together
from perennial.store.stream import Parts
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNK = 100_000
"""So many rows are predicted at once, which bounds the memory of a large batch."""


@dataclass(frozen=True)
class Predictions:
    """What a release predicts for rows.

    rows: in memory or on disk. key: their key columns. values: shape (n,), or (n, K) over the declared classes.
    same_again: see `BatchScored`.
    """

    rows: pd.DataFrame | StoredRows
    key: tuple[str, ...]
    values: np.ndarray
    same_again: bool

    @property
    def digest(self) -> str:
        """sha256 over keys and predictions, in key order."""
        rows, columns = self.rows, list(self.values.T) if self.values.ndim == 2 else [self.values]
        beside = {("beside", f"{place}"): partial(_parts, column) for place, column in enumerate(columns)}
        if not isinstance(rows, StoredRows):
            return digest_rows(rows[list(self.key)], self.key, beside={n: _whole(c) for (_, n), c in beside.items()})
        parts = {**{("rows", name): partial(rows.column_parts, name) for name in self.key}, **beside}
        whole = {each: partial(_whole, column) for each, column in parts.items()}
        return digest_parts(len(rows), parts, self.key) or digest_columns(len(rows), whole, self.key)


def _parts(column: np.ndarray) -> Iterator[pd.Series]:
    import pandas as pd

    return (pd.Series(column[at : at + PART]) for at in range(0, max(len(column), 1), PART))


def _whole(parts: Callable[[], Iterator[pd.Series]]) -> pd.Series:
    import pandas as pd

    return pd.concat(parts(), ignore_index=True)


def predictions_of(served: Serving, rows: pd.DataFrame | StoredRows, schema: Schema) -> np.ndarray:
    """A release's predictions for rows, which need neither label nor target: shape (n,), or (n, K) over the classes.

    Raises TeamCodeFailed; KeyError for a feature that the rows lack.
    """
    return together(rows, (served.predict(part, schema.classes) for part in parts_of(rows, size=CHUNK)))


def scored(
    served: Serving, rows: pd.DataFrame | StoredRows, schema: Schema, elsewhere: Elsewhere | None
) -> Predictions:
    """The same, with the rows. elsewhere: who predicts rows on disk; None for this process."""
    if elsewhere is None or not isinstance(rows, StoredRows) or not len(rows):
        values = predictions_of(served, rows, schema)
    else:
        of_models = elsewhere.predictions(served.models, rows.parts(CHUNK), rows.types)
        of_parts = zip(*of_models, strict=True)
        values = together(rows, (served.blended(list(of_part), schema.classes) for of_part in of_parts))
    return Predictions(rows, schema.key, values, same_again(served, values))


def predictions_table(
    predicted: Predictions, batch: BatchEntry, made_by: MadeBy, at: datetime, types: Mapping[str, ColumnType]
) -> pa.Table | Parts:
    """The rows of the table: the key, the prediction, and what made it. types: of the key columns."""
    constants: dict[str, str] = {
        BATCH: scoring(batch.batch, made_by.release_no, made_by.of),
        WINDOW: batch.window,
        VERSIONS: made_by.versions,
        FEATURES: made_by.features_digest,
    }

    def table(keys: pd.DataFrame, values: np.ndarray) -> pa.Table:
        import pyarrow as pa

        n = len(keys)
        columns = {name: arrow_column(keys[name], types[name]) for name in predicted.key}
        if values.ndim == 1:
            columns[SCORE] = pa.array(values)
        else:
            ends = pa.array(np.arange(0, values.size + 1, values.shape[1], dtype=np.int32))
            columns[PROBABILITIES] = pa.ListArray.from_arrays(ends, pa.array(values.ravel()))
        columns |= {name: pa.array([value] * n, pa.string()) for name, value in constants.items()}
        columns[RELEASE_NO] = pa.array([made_by.release_no] * n, pa.int64())
        columns[SCORED_AT] = pa.array([at] * n, pa.timestamp("us", tz="UTC"))
        return pa.table(columns)

    def tables() -> Iterator[pa.Table]:
        start = 0
        for keys in parts_of(predicted.rows, list(predicted.key)):
            yield table(keys, predicted.values[start : start + len(keys)].astype(np.float64))
            start += len(keys)

    if not isinstance(predicted.rows, StoredRows):
        return next(tables())
    return Parts(next(tables()).schema, len(predicted.rows), tables)


def scored_entry(
    predicted: Predictions,
    batch: BatchEntry,
    made_by: MadeBy,
    at: datetime,
    table_version: int,
    failed: str | None = None,
) -> BatchScored:
    """The entry that commits the predictions of a batch. failed: why there are none."""
    return BatchScored(
        batch=batch.batch,
        window=batch.window,
        release_no=made_by.release_no,
        serves=made_by.serves,
        features_digest=made_by.features_digest,
        rows=len(predicted.rows),
        scored_at=write_instant(at),
        digest=predicted.digest,
        same_again=predicted.same_again,
        table_version=table_version,
        of=made_by.of,
        failed=failed,
    )
