"""A model's metric on some rows with its interval, and the reference that later batches are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.intervals.cluster_interval import cluster_interval, too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import Clusters
from perennial.evaluation.results import Interval
from perennial.ledger.entries import Reference


@dataclass(frozen=True)
class Measured:
    """A model's metric on some rows with its interval; both may be None, and `why` then gives the reason."""

    value: float | None
    interval: Interval | None
    rows: int
    clusters: int
    why: str = ""


def measure(metric: Metric, y: FloatArray, predictions: FloatArray, clusters: Clusters) -> Measured:
    """One model's metric with its cluster interval; of weighted rows, if the clusters have weights.

    y, predictions: shape (n,), of the same rows as `clusters`. Needs 15 days or weeks, or 5 groups.
    """
    labels, predicted, counts = np.asarray(y, dtype=np.float64), np.asarray(predictions), clusters.counts
    if labels.size == 0:
        return Measured(None, None, 0, 0, too_few_clusters(0, clusters.name) or "")
    broken = int((~np.isfinite(labels)).sum() + (~np.isfinite(predicted)).sum())
    if broken:
        return Measured(None, None, labels.size, counts.size, f"{broken:,} labels or predictions are not finite")
    try:
        value, influence = metric.measured(labels, predicted, clusters.weights)
    except Undefined as why:
        return Measured(None, None, labels.size, counts.size, str(why))
    why_not = too_few_clusters(counts.size, clusters.name) or metric.unmeasurable(labels, predicted)
    if why_not:
        return Measured(value, None, labels.size, counts.size, why_not)
    sums = sums_of_clusters(influence, clusters.codes, counts.size)
    interval = cluster_interval(value, sums, clusters.sizes, cluster_by=clusters.name)
    return Measured(value, interval, labels.size, counts.size)


def reference_of(
    metric: Metric, y: FloatArray, predictions: FloatArray, clusters: Clusters, *, declared: str = ""
) -> Reference | None:
    """A model's metric on its evaluation rows, which later batches are compared with. None if it cannot be measured.

    declared: digest of the declaration that defines the metric, if it is a custom one.
    """
    measured = measure(metric, y, predictions, clusters)
    if measured.value is None or measured.interval is None:
        return None
    return Reference(
        metric=metric.name,
        value=measured.value,
        se=measured.interval.se,
        df=measured.interval.df,
        rows=measured.rows,
        clusters=measured.clusters,
        declared=declared,
    )
