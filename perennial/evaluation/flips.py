"""Flips: rows that the champion got right and the challenger gets wrong, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.intervals.cluster_interval import cluster_interval, too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.metrics.decided import decided_class
from perennial.evaluation.paired import Clusters, Paired
from perennial.evaluation.results import Estimate, Flips, WorstSlice
from perennial.evaluation.slices import Sliced
from perennial.evaluation.weights import mean_of, quantile_of, weighed

WORST, FEWEST_ROWS = 5, 100
EXAMPLES = 20


def flips(rows: Paired, *, of_classes: bool, slices: Sequence[Sliced] = (), at_most: float | None = None) -> Flips:
    """How much a release would change for the rows, row by row.

    of_classes: whether the target is a class, decided at 0.5 or as the most likely one. A predicted number is never
    simply right or wrong, so for a regression only the size of the change is reported.
    at_most: the allowed share of newly wrong rows, if a guard sets one; stored with the result.
    Source: Yan et al. (2021), Positive-Congruent Training: Towards Regression-Free Model Updates.

    >>> from perennial.evaluation.paired import paired
    >>> day = np.repeat(np.arange(20), 5)
    >>> y = np.ones(100)
    >>> after = np.where(np.arange(100) % 5 == 0, 0.4, 0.8)
    >>> result = flips(paired(y, np.full(100, 0.7), after, day), of_classes=True)
    >>> result.negative.share, result.positive.share, round(result.moved.share, 2)
    (0.2, 0.0, 0.14)
    """
    y, clusters = rows.y, rows.clusters
    distance = _distance(rows.champion, rows.challenger)
    moved = _estimate(distance, clusters)
    largest = (
        float(np.quantile(distance, 0.95))
        if clusters.weights is None
        else quantile_of(distance, 0.95, clusters.weights)
    )
    del distance
    if not of_classes:
        return Flips(rows=y.size, negative=None, positive=None, moved=moved, moved_95=largest, worst=())
    right, now_right = decided_class(rows.champion) == y, decided_class(rows.challenger) == y
    lost = (right & ~now_right).astype(np.float64)
    return Flips(
        rows=y.size,
        negative=_estimate(lost, clusters),
        positive=_estimate((~right & now_right).astype(np.float64), clusters),
        moved=moved,
        moved_95=largest,
        worst=_worst(lost, slices, clusters.weights),
        at_most=at_most,
    )


def newly_wrong(rows: Paired) -> IntArray:
    """Positions of up to twenty rows that the challenger newly gets wrong, those with the largest change first.

    >>> from perennial.evaluation.paired import paired
    >>> before, after = np.array([0.9, 0.6, 0.2]), np.array([0.4, 0.1, 0.1])
    >>> newly_wrong(paired(np.ones(3), before, after, np.arange(3))).tolist()
    [0, 1]
    """
    was_right = decided_class(rows.champion) == rows.y
    places = np.flatnonzero(was_right & (decided_class(rows.challenger) != rows.y))
    changed = _distance(rows.champion[places], rows.challenger[places])
    return places[np.argsort(-changed, kind="stable")][:EXAMPLES]


def _distance(champion: FloatArray, challenger: FloatArray) -> FloatArray:
    """How much each row's prediction changed; for several classes, the probability that moved between them."""
    by_row = challenger - champion
    np.abs(by_row, out=by_row)
    return by_row if by_row.ndim == 1 else by_row.sum(axis=1) / 2


def _estimate(row: FloatArray, clusters: Clusters) -> Estimate:
    weights, sizes = clusters.weights, clusters.sizes
    share = float(row.mean()) if weights is None else mean_of(row, weights)
    interval = None
    if too_few_clusters(sizes.size, clusters.name) is None:
        sums = sums_of_clusters(weighed(row - share, weights), clusters.codes, sizes.size)
        interval = cluster_interval(share, sums, sizes, cluster_by=clusters.name)
    if interval is None:
        return Estimate(share=share, ci_low=None, ci_high=None)
    return Estimate(share=share, ci_low=max(0.0, interval.ci_low), ci_high=interval.ci_high)


def _worst(lost: FloatArray, slices: Sequence[Sliced], weights: FloatArray | None) -> tuple[WorstSlice, ...]:
    """The slices with the largest share of newly wrong rows, among those with a hundred rows or more."""
    worst = []
    for each in slices:
        inside = each.codes >= 0
        rows = np.bincount(each.codes[inside], minlength=len(each.values))
        wrong = np.bincount(each.codes[inside], weights=weighed(lost, weights)[inside], minlength=len(each.values))
        size = rows if weights is None else np.bincount(each.codes[inside], weights[inside], len(each.values))
        worst += [
            WorstSlice(column=each.column, value=value, rows=int(n), share=float(w / of))
            for value, n, of, w in zip(each.values, rows, size, wrong, strict=True)
            if n >= FEWEST_ROWS and w
        ]
    return tuple(sorted(worst, key=lambda each: (-each.share, each.column, each.value))[:WORST])
