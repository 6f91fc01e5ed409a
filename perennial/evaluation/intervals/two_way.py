"""Two-way clustering: rows correlated within a day, and within a customer across days."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray, IntArray, Sizes
from perennial.evaluation.intervals.cluster_sums import rows_of_clusters, sums_of_clusters
from perennial.evaluation.intervals.cv3 import jackknife
from perennial.evaluation.intervals.student_t import LEVEL, student_t
from perennial.evaluation.paired import Clusters
from perennial.evaluation.results import Interval, SecondClusters


def second_clusters(influence: FloatArray, clusters: Clusters) -> SecondClusters | None:
    """The variance that the second clustering gives, alone and within the clusters of the first; None without one.

    influence: shape (n,), of the rows on the estimate.
    """
    if clusters.second is None:
        return None
    alone, within = clusters.crossed
    weights = clusters.weights
    return SecondClusters(
        name=clusters.second[0],
        clusters=int(alone.max()) + 1,
        largest_share=float(_sizes(alone, weights).max() / alone.size),
        se_alone=_alone(influence, alone, weights),
        se_within=_alone(influence, within, weights),
    )


def two_way(estimate: float, first: Interval, second: SecondClusters, *, level: float = LEVEL) -> Interval:
    """Both clusterings together, with a floor: V = max(V₁ + V₂ − V₁₂, V₁, V₂), df the smaller of both.

    first: the interval by the first clustering, which may allow for correlation of neighbouring days. Without the
    floor, the difference of variances can fall below either of them.
    Source: Cameron, Gelbach & Miller (2011), Robust Inference With Multiway Clustering; V₂ and V₁₂ with the weights of
    MacKinnon, Nielsen & Webb's CV3.
    """
    one, two, both = first.se**2, second.se_alone**2, second.se_within**2
    df = min(first.df, float(second.clusters - 1))
    return student_t(estimate, max(one + two - both, one, two) ** 0.5, df, level=level)


def _alone(influence: FloatArray, codes: IntArray, weights: FloatArray | None) -> float:
    sizes = _sizes(codes, weights)
    return jackknife(sums_of_clusters(influence, codes, sizes.size), sizes) if sizes.size > 1 else 0.0


def _sizes(codes: IntArray, weights: FloatArray | None) -> Sizes:
    """How much each cluster counts, shape (T,): its rows or its weight."""
    counts = rows_of_clusters(codes)
    return counts if weights is None else sums_of_clusters(weights, codes, counts.size)
