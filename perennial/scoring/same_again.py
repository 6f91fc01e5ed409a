"""Whether a row predicted in other company gets the same bits."""

from __future__ import annotations

import numpy as np

from perennial.features.row_wise import custom
from perennial.model.artifact import Fitted
from perennial.model.released import Serving

_TREES = ("lightgbm.", "sklearn.ensemble.", "sklearn.tree.", "xgboost.")


def same_again(served: Serving, values: np.ndarray) -> bool:
    """Whether a release's predictions may stand for those of its model on any of the rows.

    Trees add up leaves row by row. A matrix product may add in another order where the number of rows differs, and a
    custom feature may look at other rows, unless it was compared when the model was trained: such predictions are made
    again instead.
    """
    return len(served.models) == 1 and values.dtype == np.float64 and _row_by_row(served.champion)


def _row_by_row(model: Fitted) -> bool:
    estimator = type(model.pipeline.steps[-1][1])
    compared = model.row_wise is not None and model.row_wise.reason is None
    return f"{estimator.__module__}.".startswith(_TREES) and (compared or not custom(model.recipe.derived))
