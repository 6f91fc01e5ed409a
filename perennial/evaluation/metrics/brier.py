"""Brier score: squared distance between the probability and what happened."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.rare_class import rare_class, rare_class_in_a_pair
from perennial.evaluation.weights import mean_and_influence


def brier(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """Mean of v = (y − p)², and each row's influence v − v̄.

    y: shape (n,), 0 or 1. p: shape (n,), probability of 1. Unit: squared probability, from 0 to 1.
    Source: Brier (1950), Verification of Forecasts Expressed in Terms of Probability.

    >>> value, influence = brier(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    >>> value, influence.tolist()
    (0.25, [0.0, 0.0])
    """
    row = (y - p.astype(np.float64)) ** 2
    return mean_and_influence(row, weights)


METRIC = Metric("brier", ("binary",), "lower", brier, rare_class_in_a_pair, rare_class, convex=True)
