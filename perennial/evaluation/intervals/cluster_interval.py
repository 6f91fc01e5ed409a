"""Which interval fits the clusters: days and weeks have an order, the groups of a column have none."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray, Sizes
from perennial.evaluation.figures import UNITS, clusters_in_words, percent
from perennial.evaluation.intervals.cv3 import MIN_GROUPS, cv3
from perennial.evaluation.intervals.ewc import ewc
from perennial.evaluation.intervals.mde import MIN_CLUSTERS
from perennial.evaluation.intervals.pooled import Inflation, pooled
from perennial.evaluation.intervals.student_t import LEVEL
from perennial.evaluation.intervals.two_way import two_way
from perennial.evaluation.results import Interval, SecondClusters

LARGEST_SHARE = 0.5


def cluster_interval(
    estimate: float,
    sums: FloatArray,
    counts: Sizes,
    *,
    cluster_by: str,
    seen: Inflation | None = None,
    second: SecondClusters | None = None,
    level: float = LEVEL,
) -> Interval | None:
    """`ewc` for days and weeks, `cv3` for a column's groups; None if there are too few clusters.

    estimate: in its own unit. sums, counts: shape (T,), each cluster's influence (together 0) and rows.
    seen: what earlier decisions showed about neighbouring days and weeks; `pooled` is then used.
    second: a second clustering within which rows are correlated; both are then combined by `two_way`.
    """
    if cluster_by not in UNITS:
        interval = cv3(estimate, sums, counts, level=level)
    elif seen is not None and sums.size >= MIN_CLUSTERS:
        interval = pooled(estimate, sums, counts, seen, level=level)
    else:
        interval = ewc(estimate, sums, counts, level=level)
    if interval is None or second is None:
        return interval
    return two_way(estimate, interval, second, level=level)


def too_few_clusters(clusters: int, cluster_by: str) -> str | None:
    """The reason why there are too few clusters to decide, or None.

    >>> too_few_clusters(14, "day"), too_few_clusters(1, "site")
    ('14 days of labels; 15 are needed', '1 cluster of site; 5 are needed')
    """
    needed = MIN_CLUSTERS if cluster_by in UNITS else MIN_GROUPS
    if clusters >= needed:
        return None
    labels = " of labels" if cluster_by in UNITS else ""
    return f"{clusters_in_words(clusters, cluster_by)}{labels}; {needed} are needed"


def undecidable_clusters(counts: Sizes, cluster_by: str, second: SecondClusters | None = None) -> str | None:
    """The reason why these clusters cannot decide: too few of them, or one that holds most of the rows; else None.

    If one of a column's clusters has more than half of the rows, the rest is too little to estimate the variation.

    >>> import numpy as np
    >>> undecidable_clusters(np.array([60, 10, 10, 10, 10]), "site")
    'one cluster of site holds 60 % of the rows; at most 50 % may be in one'
    """
    share = float(counts.max() / counts.sum()) if counts.size else 0.0
    reasons = [_undecidable(counts.size, share, cluster_by)]
    if second is not None:
        reasons.append(_undecidable_second(second))
    return "; ".join(reason for reason in reasons if reason) or None


def _undecidable_second(second: SecondClusters) -> str | None:
    return _undecidable(second.clusters, second.largest_share, second.name)


def _undecidable(clusters: int, largest: float, name: str) -> str | None:
    few = too_few_clusters(clusters, name)
    if few or name in UNITS or largest <= LARGEST_SHARE:
        return few
    return f"one cluster of {name} holds {percent(largest)} of the rows; at most {percent(LARGEST_SHARE)} may be in one"


def will_not_come(counts: Sizes, cluster_by: str, second: SecondClusters | None = None) -> bool:
    """Whether these clusters cannot decide and waiting does not help: more days will come, but not more groups.

    >>> import numpy as np
    >>> will_not_come(np.ones(14), "day"), will_not_come(np.ones(1), "year"), will_not_come(np.ones(5), "site")
    (False, True, False)
    """
    if cluster_by in UNITS:
        return second is not None and _undecidable_second(second) is not None
    return undecidable_clusters(counts, cluster_by) is not None
