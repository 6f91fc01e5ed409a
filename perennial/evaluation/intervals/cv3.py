"""The interval for clusters without an order, such as sites: what leaving each of them out would change."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.intervals.student_t import LEVEL, student_t
from perennial.evaluation.results import Interval

MIN_GROUPS = 5


def cv3(estimate: float, sums: FloatArray, counts: IntArray, *, level: float = LEVEL) -> Interval | None:
    """Delete-a-cluster jackknife with G − 1 degrees of freedom; None under `MIN_GROUPS` clusters.

    estimate: in its own unit. sums, counts: shape (G,), each cluster's influence (together 0) and rows.
    SE² = (G − 1)/G · Σ (sums/(n − counts))². Rows of different clusters must not depend on each other.
    With clusters of one size it is `day_t`'s; a large cluster widens it.
    Source: MacKinnon, Nielsen & Webb (2023), Cluster-robust inference: A guide to empirical practice, CV3.

    >>> import numpy as np
    >>> found = cv3(0.5, np.array([-0.2, 0.1, 0.3, -0.3, 0.1]), np.array([1, 1, 1, 1, 1]))
    >>> round(found.se, 6), found.df
    (0.109545, 4.0)
    """
    if sums.size < MIN_GROUPS:
        return None
    return student_t(estimate, jackknife(sums, counts), float(sums.size - 1), level=level)


def jackknife(sums: FloatArray, counts: IntArray) -> float:
    """The standard error by leaving each of G ≥ 2 clusters out; sums, counts: as of `cv3`."""
    clusters, rows = sums.size, int(counts.sum())
    return float((clusters - 1) / clusters * ((sums / (rows - counts)) ** 2).sum()) ** 0.5
