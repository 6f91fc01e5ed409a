"""Equal-weighted cosine: the interval for days that are correlated with their neighbours."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray, Sizes
from perennial.evaluation.intervals.mde import MIN_CLUSTERS
from perennial.evaluation.intervals.student_t import LEVEL, student_t
from perennial.evaluation.results import Interval


def frequencies_for(clusters: int) -> int:
    """How many cosines B are averaged over T clusters: min(T − 1, max(4, round(0.41·T^(2/3)))).

    From 15 clusters on, B stays below 2T/7, where a weekly cycle would enter; with fewer clusters it does not.

    >>> [frequencies_for(days) for days in (15, 30, 60, 90)]
    [4, 4, 6, 8]
    """
    return min(clusters - 1, max(4, round(0.41 * clusters ** (2 / 3))))


def ewc(
    estimate: float, sums: FloatArray, counts: Sizes, *, frequencies: int | None = None, level: float = LEVEL
) -> Interval | None:
    """Interval for an estimate whose rows are correlated within clusters, and clusters with their neighbours.

    estimate: in its own unit, for example the gain.
    sums: shape (T,), each cluster's sum of the rows' influence on the estimate, in time order; together 0.
    counts: shape (T,), each cluster's rows.
    frequencies: B; by default `frequencies_for(T)`, and the result is None under `MIN_CLUSTERS` clusters.

    The variance is that of B cosines of the sums, φ_j(d) = √(2/T)·cos(πj(d + ½)/T), each as noisy as the
    sum itself if the correlation of neighbours is long:

        SE² = T/(B·n²) · Σ_j (φ_j · sums)²  ×  B·Σh²/(T·tr M),   df = (tr M)²/tr M²

    The second factor is for clusters of different sizes, h = counts/n their weights:
    M = WWᵀ, W_j = w_j − (w_j·1)h, w_j = h∘φ_j. With equal sizes it is 1 and df = B;
    with equal sizes and B = T − 1 the interval is `day_t`'s.
    Source: Lazarus, Lewis, Stock & Watson (2018), HAR Inference; the correction for sizes is our own.

    >>> x = np.array([0.3, -0.1, 0.4, 0.2, -0.3, 0.5, 0.1, 0.6, -0.2, 0.4, 0, 0.3, 0.2, -0.1, 0.5])
    >>> interval = ewc(x.mean(), x - x.mean(), np.ones(15, dtype=int))
    >>> round(interval.se, 10), interval.df
    (0.0283381923, 4.0)
    """
    clusters = sums.size
    if frequencies is None:
        if clusters < MIN_CLUSTERS:
            return None
        frequencies = frequencies_for(clusters)
    if not 1 <= frequencies < clusters:
        raise ValueError(f"{frequencies} frequencies of {clusters} clusters: at least 1 and fewer than the clusters")
    rows = float(counts.sum())
    cosines = _cosines(clusters, frequencies)
    spread = float(((cosines * sums).sum(axis=1) ** 2).sum())
    if counts.min() == counts.max():
        return student_t(estimate, (clusters / frequencies * spread) ** 0.5 / rows, float(frequencies), level=level)
    weight = counts / rows
    weighted = cosines * weight
    weighted -= weighted.sum(axis=1, keepdims=True) * weight
    # Not a matrix product: its last bit depends on the number of threads of the BLAS library.
    product = np.stack([(weighted * each).sum(axis=1) for each in weighted])
    trace = float(np.trace(product))
    se = (spread * float((weight**2).sum()) / trace) ** 0.5 / rows
    return student_t(estimate, se, trace**2 / float((product**2).sum()), level=level)


def _cosines(clusters: int, frequencies: int) -> FloatArray:
    """The first cosines over the clusters, shape (B, T), orthonormal and orthogonal to a constant."""
    frequency = np.arange(1, frequencies + 1)[:, None]
    middle = np.arange(clusters)[None, :] + 0.5
    return np.sqrt(2 / clusters) * np.cos(np.pi * frequency * middle / clusters)
