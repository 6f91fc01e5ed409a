"""Expected calibration error: shown on request, but never used to decide."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.fixed_point import sums_by
from perennial.evaluation.metrics import SHOWN_ONLY
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.ties import sums_of_ties
from perennial.evaluation.weights import mean_and_influence, relative, weighed

BINS = 10
NEVER_DECIDES = f"ECE decides nothing: {SHOWN_ONLY['ece']}"


def ece(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """Σ n_b/n·|ȳ_b − p̄_b| over ten bins with equally many rows; its influence takes bins and signs as fixed.

    With weights, the bins have equal weight, and shares and means are weighted.

    Bins end between different probabilities, so rows with the same probability stay together.
    y: shape (n,), 0 or 1. p: shape (n,), probability of 1. Unit: share of rows.
    Source: Naeini, Cooper & Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning.

    >>> round(ece(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.9, 0.1, 0.1]))[0], 6)
    0.4
    """
    shares, (_, tie, rows) = relative(weights), np.unique(p, return_inverse=True, return_counts=True)
    size = rows if shares is None else sums_of_ties(tie, np.ones(y.size), shares)
    middle = np.cumsum(size) - size / 2
    bin_of = np.minimum((middle / size.sum() * BINS).astype(np.intp), BINS - 1)[tie]
    missing = y - p.astype(np.float64)
    sign = np.sign(sums_by(weighed(missing, shares), bin_of, BINS))[bin_of]
    return mean_and_influence(sign * missing, shares)


METRIC = Metric(
    "ece", ("binary",), "lower", ece, lambda y, champion, challenger: NEVER_DECIDES, lambda y, p: NEVER_DECIDES
)
