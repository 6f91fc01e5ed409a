"""Counts of one feature by day and bin. They add up, so batches, days and partitions are merged without their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perennial.evaluation.arrays import IntArray

OTHERS_KEPT = 20


@dataclass(frozen=True)
class Moments:
    """Of values that are not missing: number, mean, sum of squared deviations from it, the smallest and the largest."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def plus(self, other: Moments) -> Moments:
        """Of both samples together. Source: Chan, Golub & LeVeque (1979), updating formulae."""
        n = self.n + other.n
        if not n:
            return self
        apart = other.mean - self.mean
        mean = self.mean + apart * other.n / n
        squares = self.squares + other.squares + apart**2 * self.n * other.n / n
        return Moments(n, mean, squares, min(self.least, other.least), max(self.most, other.most))


@dataclass(frozen=True, eq=False)
class Counts:
    """Rows of one feature.

    days: shape (D,), ascending, days since 1970 on the use case's calendar.
    counts: shape (D, B + 1), rows of each day in each of the grid's B bins; the last column is of missing values.
    moments: of a number. others: the most frequent values that the grid does not name, of a category.
    """

    days: IntArray
    counts: IntArray
    moments: Moments = Moments()
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> IntArray:
        """Rows in each bin, shape (B + 1,)."""
        summed: IntArray = self.counts.sum(axis=0)
        return summed

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return int(self.counts.sum())

    @property
    def missing_share(self) -> float | None:
        """The share of missing values; None without rows."""
        return float(self.counts[:, -1].sum() / self.rows) if self.rows else None

    def between(self, first: int, last: int) -> Counts:
        """Of the days from first to last. The moments stay those of all days."""
        kept = (self.days >= first) & (self.days <= last)
        return Counts(self.days[kept], self.counts[kept], self.moments, self.others)


def merged(parts: Sequence[Counts]) -> Counts:
    """The counts of several batches, partitions or periods together. Raises ValueError for none of them."""
    if not parts:
        raise ValueError("there is nothing to merge")
    days = np.unique(np.concatenate([part.days for part in parts]))
    counts = np.zeros((days.size, parts[0].counts.shape[1]), dtype=np.int64)
    moments, others = Moments(), Counter[str]()
    for part in parts:
        counts[np.searchsorted(days, part.days)] += part.counts
        moments = moments.plus(part.moments)
        others.update(part.others)
    return Counts(days, counts, moments, most_frequent(others))


def most_frequent(counts: Mapping[str, int]) -> dict[str, int]:
    """The `OTHERS_KEPT` most frequent values, the most frequent first."""
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:OTHERS_KEPT])
