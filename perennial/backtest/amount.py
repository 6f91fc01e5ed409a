"""An amount with its interval, as all results of a backtest are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.intervals.day_t import day_t


@dataclass(frozen=True)
class Amount:
    """A mean or a sum with its 95 % interval by t over decision periods, None if there are fewer than two periods."""

    value: float
    low: float | None
    high: float | None


def amount(values: FloatArray, periods: IntArray, *, total: bool = False) -> Amount:
    """The mean of some values, shape (k,), or their sum, with an interval by t over periods."""
    size, mean = values.size, float(values.mean())
    times = size if total else 1
    counts = np.bincount(periods)
    interval = day_t(mean, np.bincount(periods, weights=values - mean).astype(np.float64), counts)
    if interval is None:
        return Amount(mean * times, None, None)
    return Amount(mean * times, interval.ci_low * times, interval.ci_high * times)
