"""Row weights: how much each row counts, relative to the others.

Only the ratios of weights matter, so they are divided by their mean. Weights that are all the same are no weights at
all: everything is then computed as without them, to the last bit. A weighted mean is a ratio of two sums; the influence
of a row on it is w·(v − mean)/w̄, with which the usual variances of sums hold.
Source: Cochran (1977), Sampling Techniques, 6.4, for the linearised ratio; Kish (1965), Survey Sampling, 11.7, for
`effective_rows`.
"""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.fixed_point import exact_mean, exact_sum


def relative(weights: FloatArray | None) -> FloatArray | None:
    """The weights divided by their mean, shape (n,); None if all rows weigh the same.

    Raises ValueError for a weight that is not a positive, finite number.

    >>> relative(np.array([1.0, 3.0])).tolist(), relative(np.array([2.0, 2.0])), relative(None)
    ([0.5, 1.5], None, None)
    """
    if weights is None or not weights.size:
        return None
    least, most = float(weights.min()), float(weights.max())
    if not (least > 0 and np.isfinite(most)):
        raise ValueError("a weight is not a positive, finite number")
    if least == most:
        return None
    of_the_largest = np.asarray(weights, dtype=np.float64) / most
    mean = exact_mean(of_the_largest)
    # Weights that were divided already stay as they are, to the last bit.
    shares: FloatArray = weights if abs(mean * most - 1) < 1e-12 else of_the_largest / mean
    return shares


def mean_of(values: FloatArray, weights: FloatArray | None = None) -> float:
    """The exact mean of values, shape (n,), n at least 1; with weights, shape (n,), the weighted one.

    >>> mean_of(np.array([0.0, 1.0])), mean_of(np.array([0.0, 1.0]), np.array([0.5, 1.5]))
    (0.5, 0.75)
    """
    return exact_mean(values) if weights is None else exact_sum(weights * values) / exact_sum(weights)


def weighed(values: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Each value, shape (n,), times its row's weight; unchanged without weights."""
    return values if weights is None else weights * values


def mean_and_influence(values: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """The mean of values, shape (n,), and each row's influence on it: n times its weight times the derivative by it.

    weights: shape (n,), positive.

    >>> value, influence = mean_and_influence(np.array([0.0, 1.0]), np.array([1.0, 3.0]))
    >>> value, influence.tolist()
    (0.75, [-0.375, 0.375])
    """
    shares = relative(weights)
    mean = mean_of(values, shares)
    return mean, weighed(values - mean, shares)


def median_of(values: FloatArray, weights: FloatArray | None = None) -> float:
    """The median of values, shape (n,), n at least 1; with weights, the value that half of the weight is on either side
    of. If exactly half of it is below, the middle between two values, as for rows that are repeated.

    >>> median_of(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 3.0])), median_of(np.array([1.0, 2.0, 9.0]))
    (9.0, 2.0)
    >>> median_of(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 2.0]))
    5.5
    """
    shares = relative(weights)
    if shares is None:
        return float(np.median(values))
    return quantile_of(values, 0.5, shares)


def quantile_of(values: FloatArray, share: float, weights: FloatArray) -> float:
    """The value that `share` of the weight is at most at; exactly there, the middle to the next one.

    values, weights: shape (n,), n at least 1.
    """
    order = np.argsort(values, kind="stable")
    ranked, upto = values[order], np.cumsum(weights[order])
    place = share * upto[-1]
    at = min(int(np.searchsorted(upto, place * (1 - 1e-12))), ranked.size - 1)
    if at + 1 < ranked.size and abs(upto[at] - place) <= 1e-12 * upto[-1]:
        return float((ranked[at] + ranked[at + 1]) / 2)
    return float(ranked[at])


def effective_rows(weights: FloatArray) -> float:
    """How many equally weighted rows would give a mean as precise: (Σw)²/Σw², at most n. weights: shape (n,).

    >>> effective_rows(np.array([1.0, 1.0, 2.0])).__round__(4)
    2.6667
    """
    return exact_sum(weights) ** 2 / exact_sum(weights**2)
