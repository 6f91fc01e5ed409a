"""Groups of rows with equal scores, for metrics of a ranking."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray


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
