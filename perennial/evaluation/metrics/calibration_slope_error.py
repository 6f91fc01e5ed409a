"""Calibration slope: are high probabilities as high, and low ones as low, as they should be?"""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.fixed_point import exact_sum
from perennial.evaluation.metrics.decided import of_either, positives_needed
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.weights import mean_of, relative, weighed

MIN_POSITIVES = 60
STEPS = 50


def calibration_slope(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """The slope b of the logistic regression of y on logit(p), and each row's influence on it.

    b = 1 is calibrated, under 1 is overconfident, above 1 is underconfident.
    Influence: the second entry of (XᵀWX/n)⁻¹x(y − μ), x = (1, logit p), W = μ(1 − μ).
    y: shape (n,), 0 or 1. p: shape (n,), probability of 1, clipped by its type's ε. Unit: none.
    Raises Undefined if all rows have one class or one probability, or if the probabilities separate the classes.
    Sources: Cox (1958), Two further applications of a model for binary regression; van der Vaart (1998),
    Asymptotic Statistics, chapter 5, for the influence of an M-estimator.

    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0]), np.array([0.8, 0.2, 0.8, 0.2, 0.2, 0.8])
    >>> slope, influence = calibration_slope(y, p)
    >>> round(slope, 6), bool(abs(influence.sum()) < 1e-9)
    (0.5, True)
    """
    from scipy import special

    epsilon = np.finfo(p.dtype).eps
    logit = special.logit(np.clip(p, epsilon, 1 - epsilon).astype(np.float64))
    if y.min() == y.max():
        raise Undefined(f"all {y.size:,} rows are of one class")
    if logit.min() == logit.max():
        raise Undefined(f"all {y.size:,} probabilities are the same")
    if _parted(logit[y == 1], logit[y == 0]):
        raise Undefined("one probability parts the classes wholly, so the slope has no bound")
    shares = relative(weights)
    beta = np.array([special.logit(mean_of(y, shares)), 0.0])
    for _ in range(STEPS):
        mean = special.expit(beta[0] + beta[1] * logit)
        off = weighed(y - mean, shares)
        step = np.linalg.solve(_information(mean, logit, shares), np.array([exact_sum(off), exact_sum(logit * off)]))
        beta = beta + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-12 * max(1.0, float(np.abs(beta).max())):
            break
    else:
        raise Undefined(f"the logistic regression did not converge in {STEPS} steps")
    mean = special.expit(beta[0] + beta[1] * logit)
    constant, slope = np.linalg.inv(_information(mean, logit, shares) / y.size)[1]
    return float(beta[1]), weighed((constant + slope * logit) * (y - mean), shares)


def _information(mean: FloatArray, logit: FloatArray, shares: FloatArray | None) -> FloatArray:
    """XᵀWX for x = (1, logit), W = μ(1 − μ), shape (2, 2); the sums do not depend on the order of rows."""
    weight = weighed(mean * (1 - mean), shares)
    sums = [exact_sum(weight * logit**power) for power in range(3)]
    return np.array([[sums[0], sums[1]], [sums[1], sums[2]]])


def calibration_slope_error(
    y: FloatArray, p: FloatArray, weights: FloatArray | None = None
) -> tuple[float, FloatArray]:
    """|b − 1|, how far the calibration slope b is from 1, and each row's influence on it.

    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0]), np.array([0.8, 0.2, 0.8, 0.2, 0.2, 0.8])
    >>> round(calibration_slope_error(y, p)[0], 6)
    0.5
    """
    slope, influence = calibration_slope(y, p, weights)
    return abs(slope - 1), influence if slope >= 1 else -influence


def _parted(one: FloatArray, other: FloatArray) -> bool:
    """Whether a threshold separates all of one class from all of the other, in either order, ties included."""
    return bool(one.min() >= other.max() or other.min() >= one.max())


_BOUND = positives_needed(MIN_POSITIVES)
METRIC = Metric("calibration_slope_error", ("binary",), "lower", calibration_slope_error, of_either(_BOUND), _BOUND)
