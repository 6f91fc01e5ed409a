"""Expected calibration error: shown on request, but never used to decide."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.fixed_point import exact_mean, sums_by
from perennial.evaluation.metrics import SHOWN_ONLY
from perennial.evaluation.metrics.metric import Metric

BINS = 10
NEVER_DECIDES = f"ECE decides nothing: {SHOWN_ONLY['ece']}"


def ece(y: FloatArray, p: FloatArray) -> tuple[float, FloatArray]:
    """Σ n_b/n·|ȳ_b − p̄_b| over ten bins with equally many rows; its influence takes bins and signs as fixed.

    Bins end between different probabilities, so rows with the same probability stay together.
    y: shape (n,), 0 or 1. p: shape (n,), probability of 1. Unit: share of rows.
    Source: Naeini, Cooper & Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning.

    >>> round(ece(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.9, 0.1, 0.1]))[0], 6)
    0.4
    """
    _, tie, rows = np.unique(p, return_inverse=True, return_counts=True)
    middle = np.cumsum(rows) - rows / 2
    bin_of = np.minimum((middle / y.size * BINS).astype(np.intp), BINS - 1)[tie]
    missing = y - p.astype(np.float64)
    sign = np.sign(sums_by(missing, bin_of, BINS))[bin_of]
    row = sign * missing
    value = exact_mean(row)
    return value, row - value


METRIC = Metric(
    "ece", ("binary",), "lower", ece, lambda y, champion, challenger: NEVER_DECIDES, lambda y, p: NEVER_DECIDES
)
