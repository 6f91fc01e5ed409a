"""The interval for clusters without an order, such as sites: a jackknife that leaves each of them out in turn."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray, Sizes
from perennial.evaluation.intervals.student_t import LEVEL, student_t
from perennial.evaluation.results import Interval

MIN_GROUPS = 5


def cv3(estimate: float, sums: FloatArray, counts: Sizes, *, level: float = LEVEL) -> Interval | None:
    """Delete-a-cluster jackknife with G − 1 degrees of freedom; None under `MIN_GROUPS` clusters.

    estimate: in its own unit. sums, counts: shape (G,), each cluster's influence (together 0) and rows.
    SE² = (G − 1)/G · Σ (sums/(n − counts))². Rows of different clusters must be independent.
    With clusters of equal size it is the interval of `day_t`; a large cluster widens it.
    Source: MacKinnon, Nielsen & Webb (2023), Cluster-robust inference: A guide to empirical practice, CV3.

    >>> import numpy as np
    >>> interval = cv3(0.5, np.array([-0.2, 0.1, 0.3, -0.3, 0.1]), np.array([1, 1, 1, 1, 1]))
    >>> round(interval.se, 6), interval.df
    (0.109545, 4.0)
    """
    if sums.size < MIN_GROUPS:
        return None
    return student_t(estimate, jackknife(sums, counts), float(sums.size - 1), level=level)


def jackknife(sums: FloatArray, counts: Sizes) -> float:
    """The standard error from leaving out each of G ≥ 2 clusters in turn; sums, counts: as in `cv3`."""
    clusters, rows = sums.size, float(counts.sum())
    return float((clusters - 1) / clusters * ((sums / (rows - counts)) ** 2).sum()) ** 0.5
