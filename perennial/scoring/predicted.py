"""What a model predicts for rows in memory or on disk, which are predicted part by part if it goes by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.features.row_wise import custom
from perennial.model.artifact import Fitted
from perennial.scoring.elsewhere import Elsewhere
from perennial.scoring.stored import StoredScores
from perennial.store.stored_rows import PART, StoredRows, in_memory, parts_of, together

if TYPE_CHECKING:
    import pandas as pd


def predicted(model: Fitted, rows: pd.DataFrame | StoredRows) -> np.ndarray:
    """Shape (n,) or (n, k). All rows are in memory if a custom feature needs to see all of them."""
    if isinstance(rows, StoredRows) and not goes_by_row(model):
        return np.asarray(model.predict(in_memory(rows)))
    return together(rows, (np.asarray(model.predict(part)) for part in parts_of(rows)))


@dataclass(frozen=True)
class Predictor:
    """Who predicts rows.

    elsewhere: workers for rows on disk, and models that go by row; None for this process. stored: what a model has
    scored already, None for nothing.
    """

    elsewhere: Elsewhere | None = None
    stored: StoredScores | None = None

    def predictions(self, models: Sequence[Fitted], rows: pd.DataFrame | StoredRows) -> list[np.ndarray]:
        """What each model predicts, see `predicted`. Raises as `Elsewhere.predictions` and `StoredScores.of`."""
        stored, made = self.stored, dict[Fitted, np.ndarray]()
        elsewhere = self.elsewhere if isinstance(rows, StoredRows) and len(rows) else None
        if stored is not None and stored.model in models:
            # A batch that it has not scored is work for the workers.
            known = stored.of(rows, every_batch=elsewhere is not None)
            if known is not None:
                made[stored.model] = known
        there = [each for each in dict.fromkeys(models) if each not in made and goes_by_row(each)]
        if elsewhere is not None and isinstance(rows, StoredRows) and there:
            of_workers = elsewhere.predictions(there, rows.parts(PART), rows.types)
            made |= {model: together(rows, parts) for model, parts in zip(there, of_workers, strict=True)}
        return [made[model] if model in made else predicted(model, rows) for model in models]


def goes_by_row(model: Fitted) -> bool:
    """Whether a row has the same features whatever rows are beside it."""
    known = model.row_wise
    return not custom(model.recipe.derived) or (known is not None and known.reason is None)
