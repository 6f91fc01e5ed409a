"""Counting one feature of rows in memory, of which those on disk are a part at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.watching.statistics.counts import Counts, Moments, most_frequent
from perennial.watching.statistics.grid import CELLS, TAILS, CategoryGrid, NumberGrid, Space, cells_of

CHUNK = 1 << 15
"""Rows counted at a time: their cells stay in the processor's cache."""
MOST_RUNS = 16
"""Rows in the order of their days are counted day by day if a piece has at most this many."""
DOT = 10_000
"""Numbers multiplied at a time: BLAS spreads longer ones over its threads, so that the last digits of a sum would
depend on the number of cores, and its threads would wait for each other on a busy machine."""
LARGEST = 1e100
"""Moments leave out numbers beyond this, whose squares have no value."""


@dataclass(frozen=True, eq=False)
class Tally:
    """What was counted of some rows, before it is summed up.

    days, counts: as of `Counts`. moments: of each piece of `CHUNK` rows, in order. others: all values that the grid
    does not name, of a category.
    """

    days: IntArray
    counts: IntArray
    moments: tuple[Moments, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def summed(self) -> Counts:
        """The counts of these rows."""
        moments = Moments()
        for each in self.moments:
            moments = moments.plus(each)
        return Counts(self.days, self.counts, moments, most_frequent(self.others))


def joined(tallies: Sequence[Tally]) -> Tally:
    """Of all rows, to the last bit as if they had been counted together if each part but the last has whole pieces.

    tallies: at least one, in the order of the rows.
    """
    days = np.unique(np.concatenate([each.days for each in tallies]))
    counts = np.zeros((days.size, tallies[0].counts.shape[1]), dtype=np.int64)
    others = Counter[str]()
    for each in tallies:
        counts[np.searchsorted(days, each.days)] += each.counts
        others.update(each.others)
    return Tally(days, counts, tuple(moments for each in tallies for moments in each.moments), others)


@dataclass(frozen=True)
class Piece:
    """At most `CHUNK` rows and their days. runs: position of the day, first row and end of each, if few and in order.

    first: position of the first day among the distinct ones. many: days from it to the last one. offsets: shape (n,),
    where the cells of each row's day begin if every day has `CELLS` + 2 of them; None if there are runs.
    """

    start: int
    end: int
    first: int
    many: int
    runs: tuple[tuple[int, int, int], ...]
    offsets: IntArray | None


@dataclass(frozen=True, eq=False)
class RowDays:
    """The day of each row, prepared once for all features of a batch.

    days: shape (D,), the distinct ones, ascending. codes: shape (n,), each row's position among them.
    """

    days: IntArray
    codes: IntArray

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The rows in pieces whose numbers stay in the processor's cache."""
        return tuple(_piece(self.codes[at : at + CHUNK], at) for at in range(0, self.codes.size, CHUNK))


def _piece(codes: IntArray, start: int) -> Piece:
    first, last = int(codes.min()), int(codes.max())
    cuts = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    if cuts.size < MOST_RUNS:
        edges = [0, *cuts.tolist(), codes.size]
        runs = tuple((int(codes[low]), low, high) for low, high in pairwise(edges))
        return Piece(start, start + codes.size, first, last - first + 1, runs, None)
    return Piece(start, start + codes.size, first, last - first + 1, (), (codes - first) * (CELLS + 2))


def row_days(days: IntArray) -> RowDays:
    """Of rows in any order. days: shape (n,), days since 1970."""
    if not days.size:
        return RowDays(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    first, last = int(days.min()), int(days.max())
    if last - first > 100 * days.size + 10_000:
        known, codes = np.unique(days, return_inverse=True)
        return RowDays(known.astype(np.int64), codes.astype(np.int64))
    there = np.zeros(last - first + 1, dtype=bool)
    there[days - first] = True
    return RowDays(np.flatnonzero(there) + first, (np.cumsum(there) - 1)[days - first])


def count_numbers(values: FloatArray, days: RowDays, grid: NumberGrid) -> Counts:
    """Count a number, as `tally_numbers`."""
    return tally_numbers(values, days, grid).summed


def tally_numbers(values: FloatArray, days: RowDays, grid: NumberGrid) -> Tally:
    """Count a number.

    values: shape (n,), NaN if missing. days: of the same rows.
    One multiplication and one count per value, in pieces of `CHUNK` rows; only values beyond the cells need a search.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    counts = np.zeros((days.days.size, grid.bins + 1), dtype=np.int64)
    starts, moments, space = np.array(grid.starts), list[Moments](), Space(min(values.size, CHUNK))
    for piece in days.pieces:
        part = known = values[piece.start : piece.end]
        least = float(part.min())
        if least != least:  # some are missing
            known = part[part == part]
            least = float(known.min(initial=np.inf))
        most = float(known.max(initial=-np.inf))
        moments.append(_moments(known, least, most, space))  # first, while the values are in the cache
        beyond = grid.beyond(least, most)
        inside, outside = cells_of(part, grid, missing=known is not part, beyond=beyond, space=space)
        _add_cells(counts, piece, inside, starts)
        if outside.size:
            _add(counts, days.codes[piece.start + outside], grid.outer_bins_of(part[outside]))
    return Tally(days.days, counts, tuple(moments))


def _add_cells(counts: IntArray, piece: Piece, inside: IntArray, starts: IntArray) -> None:
    """Add a piece's rows to the inner bins of their days, and those of cell 0 as missing; not those beyond the cells.

    inside: shape (n,), their cells. starts: of the inner bins.
    """
    width, inner = CELLS + 2, slice(TAILS, TAILS + starts.size)
    if piece.offsets is not None:
        added = np.bincount(inside + piece.offsets, minlength=piece.many * width).reshape(piece.many, width)
        days = slice(piece.first, piece.first + piece.many)
        counts[days, inner] += np.add.reduceat(added[:, 1 : CELLS + 1], starts, axis=1)
        counts[days, -1] += added[:, 0]
    for code, low, high in piece.runs:
        of_run = np.bincount(inside[low:high], minlength=width)
        counts[code, inner] += np.add.reduceat(of_run[1 : CELLS + 1], starts)
        counts[code, -1] += of_run[0]


def _add(counts: IntArray, codes: IntArray, places: IntArray) -> None:
    """Add rows to the counts, shape (D, width), by their day's code and their place, both of shape (n,)."""
    first, last, width = int(codes.min()), int(codes.max()), counts.shape[1]
    together = places if first == last else places + (codes - first) * width
    many = last - first + 1
    counts[first : last + 1] += np.bincount(together, minlength=many * width).reshape(many, width)


def _moments(part: FloatArray, least: float, most: float, space: Space) -> Moments:
    """Of the values of a piece that can be squared, none of them missing. least, most: of all its values."""
    if not (least > -LARGEST and most < LARGEST):
        part = part[np.abs(part) < LARGEST]
        least, most = float(part.min(initial=np.inf)), float(part.max(initial=-np.inf))
    if not part.size:
        return Moments()
    mean = float(np.add.reduce(part)) / part.size  # as `part.mean()`, which takes longer to start
    squares = 0.0
    for at in range(0, part.size, DOT):
        some = part[at : at + DOT]
        apart = np.subtract(some, mean, out=space.numbers[: some.size])
        squares += float(np.dot(apart, apart))
    return Moments(part.size, mean, squares, least, most)


def tally_categories(codes: IntArray, values: Sequence[str], days: RowDays, grid: CategoryGrid) -> Tally:
    """Count a category.

    codes: shape (n,), each row's position among `values`, −1 if missing. days: of the same rows.
    """
    bins = np.array([grid.bins, *(grid.bin_of(value) for value in values)], dtype=np.int64)
    counts = np.zeros((days.days.size, grid.bins + 1), dtype=np.int64)
    per_value = np.zeros(bins.size, dtype=np.int64)
    for piece in days.pieces:
        places = codes[piece.start : piece.end] + 1
        if piece.runs and bins.size <= CELLS:
            # Values first and their bins later: a count for each value instead of a look-up for each row.
            for code, low, high in piece.runs:
                of_run = np.bincount(places[low:high], minlength=bins.size)
                per_value += of_run
                counts[code] += np.bincount(bins, weights=of_run, minlength=grid.bins + 1).astype(np.int64)
        else:
            per_value += np.bincount(places, minlength=bins.size)
            _add(counts, days.codes[piece.start : piece.end], bins[places])
    named = len(grid.named)
    others = {
        value: int(rows)
        for value, place, rows in zip(values, bins[1:], per_value[1:], strict=True)
        if place >= named and rows
    }
    return Tally(days.days, counts, others=others)
