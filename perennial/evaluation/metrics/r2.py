"""R²: the share of the target's variance that the model explains."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.fixed_point import exact_mean
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.metrics.rmse import heavy_tails, heavy_tails_in_a_pair


def r2(y: FloatArray, p: FloatArray) -> tuple[float, FloatArray]:
    """1 − mean(e²)/var(y) with e = y − p, and each row's influence −(e² − (1 − R²)(y − ȳ)²)/var(y).

    y, p: shape (n,), target and prediction. Unit: share of the variance; negative for a model worse than the mean.
    Raises Undefined if all targets are equal. Source: scikit-learn's `r2_score`; the influence by the delta method.

    >>> value, influence = r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 3.0]))
    >>> round(value, 6), influence.round(6).tolist()
    (0.875, [0.1875, -0.375, 0.1875])
    """
    square = (y - p.astype(np.float64)) ** 2
    spread = (y - exact_mean(y)) ** 2
    variance = exact_mean(spread)
    if variance == 0:
        raise Undefined(f"the target is the same in all {y.size:,} rows")
    unexplained = exact_mean(square) / variance
    return 1 - unexplained, -(square - unexplained * spread) / variance


METRIC = Metric("r2", ("regression",), "higher", r2, heavy_tails_in_a_pair, heavy_tails)
