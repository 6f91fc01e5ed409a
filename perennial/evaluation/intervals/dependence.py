"""How the clusters are correlated: figures printed beside the interval, for what no interval can correct."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.results import Interval

MIN_CLUSTERS_OF_A_SHAPE = 3


def autocorrelation(sums: FloatArray) -> float | None:
    """Lag-1 autocorrelation of the clusters' sums, shape (T,) in time order, from −1 to 1.

    None under 3 clusters or if all are equal. From .8 on, with 30–90 days, the interval is too narrow.

    >>> autocorrelation(np.array([1.0, 1.0, -1.0, -1.0]))
    0.25
    """
    deviation = _deviation(sums)
    if deviation is None:
        return None
    return float((deviation[1:] * deviation[:-1]).sum() / (deviation**2).sum())


def effective_clusters(clusters: int, se: float | None, day_t: Interval | None) -> float | None:
    """How many independent clusters would give the same standard error as these T dependent ones, at most T.

    se: of the deciding interval. day_t: the interval if clusters were independent. T·(SE of day_t/SE)², or None if
    either is unknown. Source: Thiébaux & Zwiers (1984), effective sample size as a ratio of variances.

    >>> effective_clusters(30, 0.2, Interval(se=0.1, df=29, ci_low=0, ci_high=1, p_value=0.5))
    7.5
    """
    if not se or day_t is None:
        return None
    return min(float(clusters), clusters * (day_t.se / se) ** 2)


def skewness(sums: FloatArray) -> float | None:
    """Skewness of the clusters' sums, shape (T,): strongly negative if the challenger loses badly on rare days.

    A test at 5 % then errs in 10–17 % of cases. None under 3 clusters or if all are equal.

    >>> skewness(np.array([1.0, 1.0, 1.0, -3.0])).__round__(4)
    -1.1547
    """
    deviation = _deviation(sums)
    if deviation is None:
        return None
    return float((deviation**3).mean() / (deviation**2).mean() ** 1.5)


def largest_cluster_share(sums: FloatArray) -> float | None:
    """The largest cluster's share of the sums, max|sum|/Σ|sum|: 1/T if all weigh the same. None without spread.

    >>> largest_cluster_share(np.array([1.0, 1.0, 1.0, -3.0]))
    0.5
    """
    size = np.abs(sums)
    total = float(size.sum())
    return float(size.max()) / total if total > 0 else None


def _deviation(sums: FloatArray) -> FloatArray | None:
    if sums.size < MIN_CLUSTERS_OF_A_SHAPE:
        return None
    deviation: FloatArray = sums - sums.mean()
    return deviation if (deviation**2).sum() > 0 else None
