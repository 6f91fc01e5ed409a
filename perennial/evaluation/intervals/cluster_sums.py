"""From rows to clusters: the sums that verdicts are computed from, and how many rows each cluster has."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.fixed_point import sums_by


def rows_of_clusters(codes: IntArray) -> IntArray:
    """How many rows each cluster has, shape (T,).

    codes: shape (n,), 0..T−1 in time order. Raises ValueError if the numbering has a gap.

    >>> rows_of_clusters(np.array([0, 1, 1])).tolist()
    [1, 2]
    """
    if codes.size and int(codes.min()) < 0:
        raise ValueError("a cluster has a negative number")
    counts = np.bincount(codes)
    if (counts == 0).any():
        raise ValueError(f"cluster {int(np.argmin(counts))} has no rows: number the clusters 0, 1, 2, … in time order")
    return counts.astype(np.int64)


def sums_of_clusters(values: FloatArray, codes: IntArray, clusters: int) -> FloatArray:
    """The exact sum of `values`, shape (n,), in each cluster, shape (T,); see `fixed_point`.

    >>> sums_of_clusters(np.array([0.5, 0.1, 0.2]), np.array([0, 1, 1]), 2).round(6).tolist()
    [0.5, 0.3]
    """
    return sums_by(values, codes, clusters)
