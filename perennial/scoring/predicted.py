"""What a model predicts for rows in memory or on disk, which are predicted part by part if it goes by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perennial.features.row_wise import custom
from perennial.model.artifact import Fitted
from perennial.scoring.elsewhere import Elsewhere
from perennial.store.stored_rows import PART, StoredRows, in_memory, parts_of, together

if TYPE_CHECKING:
    import pandas as pd


def predicted(model: Fitted, rows: pd.DataFrame | StoredRows) -> np.ndarray:
    """Shape (n,) or (n, k). All rows are in memory if a custom feature needs to see all of them."""
    if isinstance(rows, StoredRows) and not goes_by_row(model):
        return np.asarray(model.predict(in_memory(rows)))
    return together(rows, (np.asarray(model.predict(part)) for part in parts_of(rows)))


def predicted_by(
    models: Sequence[Fitted], rows: pd.DataFrame | StoredRows, elsewhere: Elsewhere | None
) -> list[np.ndarray]:
    """The same of each model. elsewhere: who predicts rows on disk with models that go by row; None for this process.

    Raises as `Elsewhere.predictions`.
    """
    there = [model for model in dict.fromkeys(models) if goes_by_row(model)]
    if elsewhere is None or not isinstance(rows, StoredRows) or not len(rows) or not there:
        return [predicted(model, rows) for model in models]
    made = dict(zip(there, elsewhere.predictions(there, rows.parts(PART), rows.types), strict=True))
    return [together(rows, made[model]) if model in made else predicted(model, rows) for model in models]


def goes_by_row(model: Fitted) -> bool:
    """Whether a row has the same features whatever rows are beside it."""
    known = model.row_wise
    return not custom(model.recipe.derived) or (known is not None and known.reason is None)
