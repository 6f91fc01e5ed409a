"""Groups of rows with equal scores, for metrics of a ranking."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.fixed_point import sums_by


def tie_groups(p: FloatArray) -> IntArray:
    """Each row's position among the distinct scores, shape (n,): 0 for the lowest.

    >>> tie_groups(np.array([0.9, 0.4, 0.4, 0.1])).tolist()
    [2, 1, 1, 0]
    """
    order = np.argsort(p)
    starts = np.flatnonzero(np.concatenate(([True], np.diff(p[order]) > 0)))
    tie = np.empty(p.size, dtype=np.int64)
    tie[order] = np.repeat(np.arange(starts.size), np.diff(np.append(starts, p.size)))
    return tie


def sums_of_ties(tie: IntArray, values: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """The sum of values, shape (n,), in each group of ties, in their order; with weights, the weighted sum.

    values: whole numbers, whose sums of floats are exact; with weights the sums are made exact, see `fixed_point`.

    >>> sums_of_ties(np.array([0, 1, 1]), np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 2.0])).tolist()
    [0.5, 2.0]
    """
    if weights is None:
        return np.bincount(tie, weights=values).astype(np.float64)
    return sums_by(weights * values, tie, int(tie.max()) + 1)
