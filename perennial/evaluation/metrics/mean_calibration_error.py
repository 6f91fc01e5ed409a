"""Mean calibration error: the difference between the predicted and the actual number of positives, per row."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.rare_class import rare_class, rare_class_in_a_pair
from perennial.evaluation.weights import mean_and_influence


def mean_calibration_error(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """|m| with m the mean of y − p, and each row's influence ±(y − p − m), the sign that of m.

    y: shape (n,), 0 or 1. p: shape (n,), probability of 1. Unit: share of rows.
    Source: calibration in the large, Cox (1958).

    >>> value, influence = mean_calibration_error(np.array([1.0, 0.0]), np.array([0.75, 0.75]))
    >>> value, influence.tolist()
    (0.25, [-0.5, 0.5])
    """
    missing = y - p.astype(np.float64)
    mean, influence = mean_and_influence(missing, weights)
    return abs(mean), influence * (1.0 if mean >= 0 else -1.0)


METRIC = Metric(
    "mean_calibration_error", ("binary",), "lower", mean_calibration_error, rare_class_in_a_pair, rare_class
)
