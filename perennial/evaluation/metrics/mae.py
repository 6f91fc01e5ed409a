"""Mean absolute error: how far off, on average."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.weights import mean_and_influence


def mae(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """Mean of v = |y − p|, and each row's influence v − v̄. Unit: the target's.

    y, p: shape (n,), target and prediction.
    Source: scikit-learn's `mean_absolute_error`.

    >>> value, influence = mae(np.array([3.0, 1.0]), np.array([2.0, 1.0]))
    >>> value, influence.tolist()
    (0.5, [0.5, -0.5])
    """
    row = np.abs(y - p.astype(np.float64))
    return mean_and_influence(row, weights)


def any_pair(y: FloatArray, champion: FloatArray, challenger: FloatArray) -> str | None:
    """An absolute error needs no minimum number of rows: the number of clusters is the only limit."""
    return None


METRIC = Metric("mae", ("regression",), "lower", mae, any_pair, convex=True)
