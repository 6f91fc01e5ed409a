"""The usual cluster interval: rows of one day are correlated, days are not. Shown, but never used to decide."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray, Sizes
from perennial.evaluation.intervals.student_t import LEVEL, student_t
from perennial.evaluation.results import Interval


def day_t(estimate: float, sums: FloatArray, counts: Sizes, *, level: float = LEVEL) -> Interval | None:
    """Cluster-robust interval (CR1) with T − 1 degrees of freedom; None under 2 clusters.

    estimate: in its own unit. sums, counts: shape (T,), each cluster's influence (together 0) and rows.
    SE² = T/(T − 1) · Σ sums²/n². Too narrow if neighbouring days are correlated: at an autocorrelation
    of .2, .5, .8 a test at 5 % errs in 9, 18, 31 % of cases.
    Source: Cameron & Miller (2015), A Practitioner's Guide to Cluster-Robust Inference.

    >>> import numpy as np
    >>> day_t(0.5, np.array([-0.5, 0.5]), np.array([1, 1])).se
    0.5
    """
    clusters = sums.size
    if clusters < 2:
        return None
    se = float(clusters / (clusters - 1) * (sums**2).sum()) ** 0.5 / float(counts.sum())
    return student_t(estimate, se, float(clusters - 1), level=level)
