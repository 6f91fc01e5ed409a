"""A release's predictions for the rows of a batch, as the table `predictions` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import write_instant
from perennial.content import digest_rows
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
from perennial.scoring.made_by import MadeBy
from perennial.scoring.same_again import same_again
from perennial.sources.column_type import ColumnType
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNK = 100_000
"""So many rows are predicted at once, which bounds the memory of a large batch."""


@dataclass(frozen=True)
class Predictions:
    """What a release predicts for rows.

    keys: their key columns. values: shape (n,), or (n, K) over the declared classes. same_again: see `BatchScored`.
    """

    keys: pd.DataFrame
    values: np.ndarray
    same_again: bool

    @property
    def digest(self) -> str:
        """sha256 over keys and predictions, in key order."""
        import pandas as pd

        columns = self.values.T if self.values.ndim == 2 else [self.values]
        named = {f"{place}": pd.Series(column, index=self.keys.index) for place, column in enumerate(columns)}
        return digest_rows(self.keys, list(self.keys.columns), beside=named)


def predictions_of(served: Serving, rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """A release's predictions for rows, which need neither label nor target: shape (n,), or (n, K) over the classes.

    Raises TeamCodeFailed; KeyError for a feature that the rows lack.
    """
    parts = [served.predict(rows[at : at + CHUNK], schema.classes) for at in range(0, max(len(rows), 1), CHUNK)]
    return np.concatenate(parts)


def scored(served: Serving, rows: pd.DataFrame, schema: Schema) -> Predictions:
    """The same, with the keys of the rows."""
    values = predictions_of(served, rows, schema)
    return Predictions(rows[list(schema.key)], values, same_again(served, values))


def predictions_table(
    predicted: Predictions, batch: BatchEntry, made_by: MadeBy, at: datetime, types: Mapping[str, ColumnType]
) -> pa.Table:
    """The rows of the table: the key, the prediction, and what made it. types: of the key columns."""
    import pyarrow as pa

    n, values = len(predicted.keys), predicted.values.astype(np.float64)
    columns = {name: arrow_column(predicted.keys[name], types[name]) for name in predicted.keys}
    if values.ndim == 1:
        columns[SCORE] = pa.array(values)
    else:
        ends = pa.array(np.arange(0, values.size + 1, values.shape[1], dtype=np.int32))
        columns[PROBABILITIES] = pa.ListArray.from_arrays(ends, pa.array(values.ravel()))
    constants = {
        BATCH: scoring(batch.batch, made_by.release_no, made_by.of),
        WINDOW: batch.window,
        VERSIONS: made_by.versions,
        FEATURES: made_by.features_digest,
    }
    columns |= {name: pa.array([value] * n, pa.string()) for name, value in constants.items()}
    columns[RELEASE_NO] = pa.array([made_by.release_no] * n, pa.int64())
    columns[SCORED_AT] = pa.array([at] * n, pa.timestamp("us", tz="UTC"))
    return pa.table(columns)


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
        rows=len(predicted.keys),
        scored_at=write_instant(at),
        digest=predicted.digest,
        same_again=predicted.same_again,
        table_version=table_version,
        of=made_by.of,
        failed=failed,
    )
