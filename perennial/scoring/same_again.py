"""Whether a row predicted in other company gets the same bits."""

from __future__ import annotations

import numpy as np

from perennial.model.released import Serving

_TREES = ("lightgbm.", "sklearn.ensemble.", "sklearn.tree.", "xgboost.")


def same_again(served: Serving, values: np.ndarray) -> bool:
    """Whether a release's predictions may stand for those of its model on any of the rows.

    Trees add up leaves row by row. A matrix product may add in another order where the number of rows differs, and a
    team's own function may look at other rows: such predictions are made again instead.
    """
    estimator = type(served.champion.pipeline.steps[-1][1])
    by_trees = f"{estimator.__module__}.".startswith(_TREES)
    return by_trees and values.dtype == np.float64 and len(served.models) == 1 and not served.champion.recipe.sources
