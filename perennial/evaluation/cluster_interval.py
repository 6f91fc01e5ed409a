"""Which interval clusters ask for: days and weeks follow each other, the groups of a column have no order."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.cv3 import MIN_GROUPS, cv3
from perennial.evaluation.ewc import MIN_CLUSTERS, ewc
from perennial.evaluation.figures import UNITS, clusters_in_words
from perennial.evaluation.pooled import Inflation, pooled
from perennial.evaluation.results import Interval
from perennial.evaluation.student_t import LEVEL


def cluster_interval(
    estimate: float,
    sums: FloatArray,
    counts: IntArray,
    *,
    cluster_by: str,
    seen: Inflation | None = None,
    level: float = LEVEL,
) -> Interval | None:
    """`ewc` for days and weeks, `cv3` for a column's groups; None where there are too few clusters.

    estimate: in its own unit. sums, counts: shape (T,), each cluster's influence (together 0) and rows.
    seen: what earlier decisions showed of neighbouring days and weeks, who are then counted by `pooled`.
    """
    if cluster_by in UNITS:
        if seen is not None and sums.size >= MIN_CLUSTERS:
            return pooled(estimate, sums, counts, seen, level=level)
        return ewc(estimate, sums, counts, level=level)
    return cv3(estimate, sums, counts, level=level)


def too_few_clusters(clusters: int, cluster_by: str) -> str | None:
    """The reason why so few clusters decide nothing, or None.

    >>> too_few_clusters(14, "day"), too_few_clusters(1, "site")
    ('14 days of labels; 15 are needed', '1 cluster of site; 5 are needed')
    """
    needed = MIN_CLUSTERS if cluster_by in UNITS else MIN_GROUPS
    if clusters >= needed:
        return None
    labels = " of labels" if cluster_by in UNITS else ""
    return f"{clusters_in_words(clusters, cluster_by)}{labels}; {needed} are needed"


def will_not_come(clusters: int, cluster_by: str) -> bool:
    """Whether there are too few clusters and waiting is no help: days go on, a column's groups are what they are.

    >>> will_not_come(14, "day"), will_not_come(1, "year"), will_not_come(5, "site")
    (False, True, False)
    """
    return cluster_by not in UNITS and clusters < MIN_GROUPS
