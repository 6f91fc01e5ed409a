"""The bins of a feature: fixed once per use case, so that counts of all its batches add up.

A grid belongs to the use case and not to a champion: it is made from the first batch that has the feature, and is fine
and wide enough for every later champion. A champion's own bins (see `coarse`) are unions of these, so a new champion
needs no row to be read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray

CELLS = 4096
"""Cells of equal width; the inner bins are runs of cells, so one multiplication finds the bin of a value."""
TAILS = 12
"""Bins of doubling width on either side of the cells."""
FEW_VALUES = 50
"""A feature with at most this many values gets a bin for each."""
NAMED, HASHED = 64, 64


@dataclass(frozen=True)
class NumberGrid:
    """Bins of a number: `TAILS` below the cells, one for each of `starts`, `TAILS` above.

    low: the lower end of the first cell. step: the width of a cell. starts: the first cell of each inner bin, from 0.
    """

    low: float
    step: float
    starts: tuple[int, ...]

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.starts) + 2 * TAILS

    @cached_property
    def edges(self) -> FloatArray:
        """The ascending values at which a bin ends and the next begins, shape (bins − 1,)."""
        width = self.step * CELLS
        away = width * 2.0 ** np.arange(TAILS - 1)
        high = self.low + width
        inner = self.low + self.step * np.array(self.starts)
        return np.concatenate([self.low - away[::-1], inner, [high], high + away])

    def bins_of(self, values: FloatArray) -> IntArray:
        """The bin of each value, shape (n,). A missing value has the bin number `bins`."""
        values = np.asarray(values, dtype=np.float64)
        cells, outside = cells_of(values, self)
        bins: IntArray = TAILS - 1 + np.searchsorted(np.array(self.starts), cells - 1, side="right")
        bins[cells == 0] = self.bins
        bins[outside] = self.outer_bins_of(values[outside])
        return bins

    def outer_bins_of(self, values: FloatArray) -> IntArray:
        """The bin of each value beyond the cells, shape (n,); none is missing."""
        above = values >= self.low + self.step * (CELLS / 2)
        bins: IntArray = np.searchsorted(self._outer_edges, values, side="right") + above * (len(self.starts) + 1)
        return bins

    @cached_property
    def _outer_edges(self) -> FloatArray:
        """The edges between the outer bins, without the ends of the cells, shape (2 · TAILS − 2,)."""
        return np.concatenate([self.edges[: TAILS - 1], self.edges[self.edges.size - TAILS + 1 :]])

    def beyond(self, least: float, most: float) -> bool:
        """Whether any of the values between these two is beyond the cells; computed as `cells_of` does."""
        low, high = ((each - (self.low - self.step)) * (1 / self.step) for each in (least, most))
        return low < 1 or high >= CELLS + 1


def cells_of(
    values: FloatArray, grid: NumberGrid, *, missing: bool = True, beyond: bool = True, space: Space | None = None
) -> tuple[IntArray, IntArray]:
    """The cell of each value from 1, shape (n,), 0 if it is missing, and the positions of values beyond the cells.

    Those have the cell `CELLS` + 1, on either side. missing, beyond: whether there may be such values; otherwise they
    are not looked for. space: where to compute; the next call overwrites it.
    """
    space = space or Space(values.size)
    scaled, cells = space.numbers[: values.size], space.whole[: values.size]
    with np.errstate(over="ignore"):
        np.subtract(values, grid.low - grid.step, out=scaled)
        scaled *= 1 / grid.step
    outside = np.empty(0, dtype=np.intp)
    if beyond:
        outside = np.flatnonzero((scaled < 1) | (scaled >= CELLS + 1))
        scaled[outside] = CELLS + 1  # they are few, so this is faster than to clip all
    if missing:
        np.fmax(scaled, 0.0, out=scaled)
    np.copyto(cells, scaled, casting="unsafe")
    return cells, outside


class Space:
    """Memory to compute on so many values in. It is used again and so stays in the processor's cache."""

    def __init__(self, size: int) -> None:
        self.numbers, self.whole = np.empty(size), np.empty(size, dtype=np.intp)


@dataclass(frozen=True)
class CategoryGrid:
    """Bins of a category: one for each of `named`, then `HASHED` bins for all other values by their CRC-32."""

    named: tuple[str, ...]

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.named) + HASHED

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {value: place for place, value in enumerate(self.named)}

    def bin_of(self, value: str) -> int:
        """The bin of a value.

        >>> CategoryGrid(("AA", "UA")).bin_of("UA")
        1
        """
        named = self._places.get(value)
        return len(self.named) + crc32(value.encode()) % HASHED if named is None else named


Grid = NumberGrid | CategoryGrid


def number_grid(values: FloatArray) -> NumberGrid:
    """The grid of a number from its first values, shape (n,); missing and infinite ones are left out.

    The cells span four times the range from the 5 % to the 95 % quantile. Inner bins are cut at 39 quantiles and at
    every 64th cell, or between the values if there are at most `FEW_VALUES`.
    """
    finite = values[np.isfinite(values)]
    finite.sort()
    if not finite.size:
        finite = np.zeros(1)
    low, high = _range(finite)
    step = 4 * (high - low) / CELLS
    low -= 1.5 * (high - low)
    ends = finite[1:] != finite[:-1]
    is_of_few = np.count_nonzero(ends) < FEW_VALUES
    if is_of_few:
        distinct = finite[np.append(np.flatnonzero(ends), -1)]
        cuts = (distinct[1:] + distinct[:-1]) / 2
    else:
        cuts = finite[(np.arange(1, 40) * finite.size) // 40]
    even = np.arange(0, CELLS, CELLS // 64)
    snapped = np.round((cuts - low) / step)
    if is_of_few and snapped.size:
        even = even[(even < snapped[0]) | (even > snapped[-1])]
    inside = snapped[(snapped > 0) & (snapped < CELLS)].astype(np.int64)
    starts = np.unique(np.concatenate([[0], even, inside]))
    return NumberGrid(float(low), float(step), tuple(int(each) for each in starts))


def _range(finite: FloatArray) -> tuple[float, float]:
    """Two different values between which most of these sorted ones are."""
    for share in (0.05, 0.01, 0.0):
        place = int(share * (finite.size - 1))
        low, high = float(finite[place]), float(finite[finite.size - 1 - place])
        # A cell must be wider than the rounding of the values, also where numbers are so small that they lose digits.
        if np.isfinite(high - low) and (high - low) / CELLS > max(abs(high) * 1e-13, float(np.finfo(np.float64).tiny)):
            return low, high
    middle = float(finite[finite.size // 2])
    half = max(abs(middle), 1.0) / 2
    return middle - half, middle + half


def category_grid(counts: Mapping[str, int]) -> CategoryGrid:
    """The grid of a category from the counts of its first values: the most frequent are named."""
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return CategoryGrid(tuple(ranked[:NAMED]))
