"""Flips: rows that the champion got right and the challenger gets wrong, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.intervals.cluster_interval import cluster_interval, too_few_clusters
from perennial.evaluation.intervals.cluster_sums import rows_of_clusters, sums_of_clusters
from perennial.evaluation.metrics.decided import decided_class
from perennial.evaluation.results import Estimate, Flips, WorstSlice
from perennial.evaluation.slices import Sliced

WORST, FEWEST_ROWS = 5, 100
EXAMPLES = 20


def flips(
    y: FloatArray,
    champion: FloatArray,
    challenger: FloatArray,
    cluster_codes: IntArray,
    *,
    of_classes: bool,
    cluster_by: str = "day",
    slices: Sequence[Sliced] = (),
    at_most: float | None = None,
) -> Flips:
    """How much a release would change for the rows, row by row.

    y, champion, challenger, cluster_codes: as of `compare`. of_classes: whether the target is a class, decided at
    a half or as the likeliest; a number is never right or wrong, so of a regression only the move is told.
    at_most: of the newly wrong, where a guard says so; kept beside them.
    Source: Yan et al. (2021), Positive-Congruent Training: Towards Regression-Free Model Updates.

    >>> day = np.repeat(np.arange(20), 5)
    >>> y = np.ones(100)
    >>> after = np.where(np.arange(100) % 5 == 0, 0.4, 0.8)
    >>> told = flips(y, np.full(100, 0.7), after, day, of_classes=True)
    >>> told.negative.share, told.positive.share, round(told.moved.share, 2)
    (0.2, 0.0, 0.14)
    """
    codes = np.asarray(cluster_codes, dtype=np.int64)
    counts = rows_of_clusters(codes)
    distance = _distance(champion, challenger)
    moved = _estimate(distance, codes, counts, cluster_by)
    largest = float(np.quantile(distance, 0.95))
    if not of_classes:
        return Flips(rows=y.size, negative=None, positive=None, moved=moved, moved_95=largest, worst=())
    right, now_right = decided_class(champion) == y, decided_class(challenger) == y
    lost = (right & ~now_right).astype(np.float64)
    won = (~right & now_right).astype(np.float64)
    return Flips(
        rows=y.size,
        negative=_estimate(lost, codes, counts, cluster_by),
        positive=_estimate(won, codes, counts, cluster_by),
        moved=moved,
        moved_95=largest,
        worst=_worst(lost, slices),
        at_most=at_most,
    )


def newly_wrong(y: FloatArray, champion: FloatArray, challenger: FloatArray) -> IntArray:
    """Places of up to twenty rows that the challenger newly gets wrong, those that it moved furthest first.

    >>> newly_wrong(np.ones(3), np.array([0.9, 0.6, 0.2]), np.array([0.4, 0.1, 0.1])).tolist()
    [0, 1]
    """
    places = np.flatnonzero((decided_class(champion) == y) & (decided_class(challenger) != y))
    return places[np.argsort(-_distance(champion, challenger)[places], kind="stable")][:EXAMPLES]


def _distance(champion: FloatArray, challenger: FloatArray) -> FloatArray:
    """By how much each row's prediction moved; of several classes the probability that moved, half of all changes."""
    by_row = np.abs(challenger - champion)
    return by_row if by_row.ndim == 1 else by_row.sum(axis=1) / 2


def _estimate(row: FloatArray, codes: IntArray, counts: IntArray, cluster_by: str) -> Estimate:
    share = float(row.mean())
    found = None
    if too_few_clusters(counts.size, cluster_by) is None:
        found = cluster_interval(
            share, sums_of_clusters(row - share, codes, counts.size), counts, cluster_by=cluster_by
        )
    if found is None:
        return Estimate(share=share, ci_low=None, ci_high=None)
    return Estimate(share=share, ci_low=max(0.0, found.ci_low), ci_high=found.ci_high)


def _worst(lost: FloatArray, slices: Sequence[Sliced]) -> tuple[WorstSlice, ...]:
    """Of slices with a hundred rows or more, those with the largest share of newly wrong ones."""
    found = []
    for each in slices:
        inside = each.codes >= 0
        rows = np.bincount(each.codes[inside], minlength=len(each.values))
        wrong = np.bincount(each.codes[inside], weights=lost[inside], minlength=len(each.values))
        found += [
            WorstSlice(column=each.column, value=value, rows=int(n), share=float(w / n))
            for value, n, w in zip(each.values, rows, wrong, strict=True)
            if n >= FEWEST_ROWS and w
        ]
    return tuple(sorted(found, key=lambda each: (-each.share, each.column, each.value))[:WORST])
