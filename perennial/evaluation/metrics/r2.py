"""R²: the share of the target's variance that the model explains."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.metrics.rmse import heavy_tails, heavy_tails_in_a_pair
from perennial.evaluation.weights import mean_of, relative, weighed


def r2(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """1 − mean(e²)/var(y) with e = y − p, and each row's influence −(e² − (1 − R²)(y − ȳ)²)/var(y).

    y, p: shape (n,), target and prediction. Unit: share of the variance; negative for a model worse than the mean.
    Raises Undefined if all targets are equal. Source: scikit-learn's `r2_score`; the influence by the delta method.

    >>> value, influence = r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 3.0]))
    >>> round(value, 6), influence.round(6).tolist()
    (0.875, [0.1875, -0.375, 0.1875])
    """
    square = (y - p.astype(np.float64)) ** 2
    shares = relative(weights)
    spread = (y - mean_of(y, shares)) ** 2
    variance = mean_of(spread, shares)
    if variance == 0:
        raise Undefined(f"the target is the same in all {y.size:,} rows")
    unexplained = mean_of(square, shares) / variance
    return 1 - unexplained, weighed(-(square - unexplained * spread) / variance, shares)


METRIC = Metric("r2", ("regression",), "higher", r2, heavy_tails_in_a_pair, heavy_tails)
