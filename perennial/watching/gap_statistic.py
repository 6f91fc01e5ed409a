"""When the gap opens an episode and when that is over: the e-SR statistic, confirmed by an interval.

The statistic alone grows by about one a day where nothing happens, so that it rings about once a year whatever the
days show. An alarm is therefore also due to an interval: the mean gap of the newest 28 days, or of all days since the
statistic last started from 0, must be proven positive. On simulated days without a change (`benchmarks/watching.py`)
that halves false alarms or better, and finds a loss of 5 % or more no later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.watching.e_sr import DAYS_A_YEAR, bets

CAP, OVER_AT = 1.25, 0.25
"""In an episode the statistic is held at 1.25 × its limit; it is over at ¼ of the limit."""
AT_LEAST, LOOK_BACK, BACK_FOR = 14, 14, 7
"""An episode lasts 14 days and ends after 7 days on which the mean of the newest 14 was back."""
_FALL = (OVER_AT / CAP) ** (1 / BACK_FOR) * (1 - 1e-9)
RECENT, FEWEST = 28, 8


@dataclass(frozen=True)
class Course:
    """Day by day, shape (n,): the statistic, whether an episode is open, whether the mean of 14 days is back."""

    statistic: FloatArray
    open: np.ndarray
    back: np.ndarray

    @property
    def opened(self) -> np.ndarray:
        """Positions of the days on which an episode opened."""
        return np.flatnonzero(self.open & ~np.concatenate([[False], self.open[:-1]]))


def course(shares: FloatArray, *, sd: float, limit: float = DAYS_A_YEAR, epsilon: float = 0.0) -> Course:
    """What the statistic does on each day.

    shares: shape (n,), by how much less a fresh model loses each day, relative to the reference. sd: of such days
    without a change. limit: of the statistic, in days. epsilon: a gap up to this does not count.
    """
    shares = np.asarray(shares, dtype=np.float64)
    outcomes, sizes = bets(shares, sd=sd, epsilon=epsilon)
    sums, squares = (np.concatenate([[0.0], np.cumsum(each)]) for each in (shares, shares**2))
    n = shares.size
    starts = np.maximum(np.arange(n) + 1 - LOOK_BACK, 0)
    back = sums[1:] - sums[starts] <= epsilon * (np.arange(n) + 1 - starts)
    statistic, is_open = np.empty(n), np.zeros(n, dtype=bool)
    m, start, calm, opened = 0.0, 0, 0, None
    for day in range(n):
        grown = (m + 1) * (1 + sizes[day] * outcomes[day])
        if opened is not None:
            m = min(grown, CAP * limit)
            calm = calm + 1 if back[day] else 0
            if calm:
                m = min(m, statistic[day - 1] * _FALL)
            if calm >= BACK_FOR and m <= OVER_AT * limit and day - opened >= AT_LEAST:
                opened, start = None, day + 1
        else:
            m = grown
            if m > limit and _proven(sums, squares, (day + 1 - RECENT, start), day + 1, epsilon):
                opened, calm, m = day, 0, min(m, CAP * limit)
            elif m > limit:
                m, start = 0.0, day + 1
        statistic[day], is_open[day] = m, opened is not None
    return Course(statistic, is_open, back)


def _proven(sums: FloatArray, squares: FloatArray, starts: tuple[int, ...], end: int, epsilon: float) -> bool:
    """Whether the mean of the days from one of `starts` to `end` is above epsilon by its two-sided 95 % interval."""
    from scipy import special

    for begin in (max(start, 0) for start in starts):
        n = end - begin
        if n < FEWEST:
            continue
        mean = (sums[end] - sums[begin]) / n
        variance = max((squares[end] - squares[begin]) / n - mean**2, 0.0) * n / (n - 1)
        if mean - special.stdtrit(n - 1, 0.975) * (variance / n) ** 0.5 > epsilon:
            return True
    return False
