"""Predictions that are stored, for rows that would otherwise be predicted again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perennial.ledger.entries import BatchScored, ModelRef
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import Fitted
from perennial.our_columns import BATCH, PREFIX, PROBABILITIES, SCORE
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd


def stored_predictions(
    tables: Tables, ledger: Ledger, usecase: str, schema: Schema, rows: pd.DataFrame, served: ModelRef, model: Fitted
) -> np.ndarray | None:
    """What a model predicts for rows, shape (n,) or (n, K), predicting only those that it has not scored.

    rows: accepted rows with their `BATCH`. served: the model's version. None if none of the rows is stored with the
    bits that predicting it again would give.
    """
    names = {
        each.payload.batch: each.key
        for each in ledger.all(usecase, BatchScored)
        if each.payload.same_again and each.payload.serves[0].model.digest == served.digest
    }
    wanted = [names[batch] for batch in rows[BATCH].unique() if batch in names]
    if not wanted or (schema.task == "multiclass" and model.classes != schema.classes):
        return None
    looked_up = scores_of(tables, usecase, schema, rows, wanted)
    if looked_up is None:
        return None
    predictions, new = looked_up
    if new.any():
        predictions[new] = model.predict(rows[new])
    return predictions


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
