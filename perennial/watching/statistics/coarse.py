"""A champion's bins: unions of the use case's fine bins, chosen by the rows that the champion was trained on."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import IntArray
from perennial.watching.statistics.grid import Grid, NumberGrid

BINS = 10
SMALLEST_SHARE = 0.01


def coarse_bins(reference: IntArray, grid: Grid) -> IntArray:
    """The champion's bin of each fine bin, shape (B + 1,).

    reference: shape (B + 1,), the training rows in each fine bin, missing values last.
    A number gets up to `BINS` bins with about the same number of rows. A category has a bin for each value with at
    least `SMALLEST_SHARE` of the rows and one for all others, with those never seen. Missing values are a bin.
    """
    rows = reference[:-1]
    if isinstance(grid, NumberGrid):
        below = np.concatenate([[0], np.cumsum(rows)[:-1]])
        bins = (below * BINS) // max(int(rows.sum()), 1)
        bins[below >= rows.sum()] = bins[below < rows.sum()].max() if rows.sum() else 0
    else:
        frequent = rows >= max(SMALLEST_SHARE * rows.sum(), 1)
        bins = np.where(frequent, np.cumsum(frequent), 0)
    _, numbered = np.unique(bins, return_inverse=True)
    return np.concatenate([numbered, [numbered.max(initial=-1) + 1]]).astype(np.int64)


def summed(counts: IntArray, bins: IntArray) -> IntArray:
    """Counts of the fine bins, shape (…, B + 1), as counts of the champion's, shape (…, C).

    bins: the champion's bin of each fine bin, shape (B + 1,); each of the champion's has at least one.
    """
    order = np.argsort(bins, kind="stable")
    first = np.searchsorted(bins[order], np.arange(bins.max() + 1))
    together: IntArray = np.add.reduceat(counts[..., order], first, axis=-1)
    return together


def spans(bins: IntArray, grid: Grid) -> list[str]:
    """The champion's bins in words, shape (C,).

    >>> from perennial.watching.statistics.grid import CategoryGrid
    >>> spans(np.array([1, 2] + [0] * 64 + [3]), CategoryGrid(("AA", "UA")))
    ['other values', 'AA', 'UA', 'missing']
    """
    words = []
    for number in range(int(bins.max())):
        fine = np.flatnonzero(bins[:-1] == number)
        if isinstance(grid, NumberGrid):
            low = None if fine[0] == 0 else grid.edges[fine[0] - 1]
            high = None if fine[-1] == grid.bins - 1 else grid.edges[fine[-1]]
            words.append(_span(low, high))
        else:
            alone = fine.size == 1 and fine[0] < len(grid.named)
            words.append(grid.named[fine[0]] if alone else "other values")
    return [*words, "missing"]


def _span(low: float | None, high: float | None) -> str:
    if low is None:
        return "any number" if high is None else f"below {high:.4g}"
    return f"{low:.4g} or more" if high is None else f"{low:.4g} to {high:.4g}"
