"""Standard errors that count clusters, from the rows' influences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.bias.part import Part
from perennial.evaluation.bias.results import GroupMeasure
from perennial.evaluation.figures import UNITS
from perennial.evaluation.intervals.cluster_interval import cluster_interval, too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.intervals.clustered_share import clustered_share
from perennial.evaluation.intervals.cv3 import cv3
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.two_way import second_clusters, two_way
from perennial.evaluation.paired import Clusters
from perennial.evaluation.results import SecondClusters
from perennial.evaluation.slices import variance_ratio

Influences = Sequence[tuple[Part, FloatArray]]
"""Parts without a row in common, and their rows' influence on an estimate, shape (m,)."""


def with_errors(known: GroupMeasure, clusters: Clusters, influences: Influences, floor: float) -> GroupMeasure:
    """The measure with its own standard error, or with the reason why it has none. floor: the least variance."""
    if few := too_few_clusters(known.clusters, clusters.name):
        return known.model_copy(update={"verdict": "cannot_be_checked", "note": few})
    influence = np.concatenate([each for _, each in influences])
    codes = np.concatenate([part.codes for part, _ in influences])
    sums = sums_of_clusters(influence, codes, clusters.counts.size)
    alone = (day_t if clusters.name in UNITS else cv3)(0.0, sums, clusters.sizes)
    if alone is None:
        return known.model_copy(update={"verdict": "cannot_be_checked", "note": "too few clusters"})
    second = _second(clusters, [part for part, _ in influences], influence)
    se = (alone if second is None else two_way(0.0, alone, second)).se
    ratio = variance_ratio(sums, clusters.sizes, clusters.name)
    return known.model_copy(update={"own_se": max(se**2, floor) ** 0.5, "variance_ratio": ratio})


def with_own_interval(known: GroupMeasure, part: Part, influence: FloatArray) -> GroupMeasure:
    """The measure with the interval of the group's own rate, where it has a standard error.

    influence: shape (m,), of the group's rows on its rate.
    """
    if known.own_se is None or known.value is None:
        return known
    clusters = part.clusters
    sums = sums_of_clusters(influence, part.codes, clusters.counts.size)
    second = _second(clusters, [part], influence)
    interval = cluster_interval(0.0, sums, clusters.sizes, cluster_by=clusters.name, second=second)
    if interval is None:
        return known
    low, high = clustered_share(known.value, part.size, interval.se, interval.df, known.clusters)
    return known.model_copy(update={"value_low": low, "value_high": high})


def _second(clusters: Clusters, parts: Sequence[Part], influence: FloatArray) -> SecondClusters | None:
    if clusters.second is None:
        return None
    whole = np.zeros(clusters.codes.size)
    whole[np.concatenate([part.places for part in parts])] = influence
    return second_clusters(whole, clusters)
