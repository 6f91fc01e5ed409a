"""How many days of labels are needed to detect a gain: the inverse of the smallest detectable gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray, Sizes
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.ewc import ewc, frequencies_for
from perennial.evaluation.intervals.mde import MIN_CLUSTERS, minimal_detectable_effect
from perennial.evaluation.intervals.pooled import Inflation, inflation

MOST_DAYS = 3_660


@dataclass(frozen=True)
class Spread:
    """How much a day's gain varies, from earlier decisions.

    a_day: the standard deviation of one day, in the metric's unit: SE² = a_day²/T. low, high: the smallest and the
    largest of single decisions. decisions: how many. seen: the inflation that the next decision will use.
    """

    a_day: float
    low: float
    high: float
    decisions: int
    seen: Inflation | None


def spread_of(earlier: Sequence[tuple[FloatArray, Sizes]]) -> Spread | None:
    """The spread of a day's gain over earlier decisions; None if no decision has one.

    earlier: of each decision, the clusters' sums and rows, shapes (T,). If the inflation is known, the spread is that
    of `day_t` times the inflation; otherwise that of `ewc`.
    """
    seen = inflation(earlier)
    spreads = []
    for sums, counts in earlier[-12:]:
        by_day = day_t(0.0, sums, counts) if sums.size >= MIN_CLUSTERS else None
        interval = by_day if seen else ewc(0.0, sums, counts)
        if interval is not None and interval.se > 0:
            spreads.append((interval.se**2 * sums.size * (seen.factor if seen else 1.0)) ** 0.5)
    if not spreads:
        return None
    return Spread(float(np.median(spreads)), min(spreads), max(spreads), len(spreads), seen)


def smallest_gain(spread: float, days: int, seen: Inflation | None, *, alpha: float) -> float:
    """The true gain that `days` days detect in 4 of 5 cases, one-sided at `alpha`, in the unit of `spread`."""
    df = float(frequencies_for(days)) if seen is None else 1 / (1 / (days - 1) + 1 / (4 * seen.decisions))
    return minimal_detectable_effect(spread / days**0.5, df, alpha=alpha)


def days_needed(gain: float, spread: float, seen: Inflation | None, *, alpha: float) -> int | None:
    """The fewest days of labels, at least 15, that detect a gain in 4 of 5 cases; None beyond ten years.

    gain, spread: in the metric's unit; the spread is that of one day. alpha: one-sided.

    >>> days_needed(0.1, 0.2, None, alpha=0.05), days_needed(0.0001, 0.2, None, alpha=0.05)
    (37, None)
    """
    if smallest_gain(spread, MOST_DAYS, seen, alpha=alpha) > gain:
        return None
    low, high = MIN_CLUSTERS, MOST_DAYS
    while low < high:
        middle = (low + high) // 2
        if smallest_gain(spread, middle, seen, alpha=alpha) <= gain:
            high = middle
        else:
            low = middle + 1
    return low
