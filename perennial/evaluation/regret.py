"""What waiting costs: by how much the newest models, always taken, would have been better than those that were live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.results import Interval

FEWEST = 3
"""Decisions below which there is no interval."""


@dataclass(frozen=True)
class Regret:
    """The mean gain of the newest model per row, over several decisions; positive if it would have been better.

    interval: at 95 %; None under `FEWEST` decisions.
    """

    decisions: int
    rows: int
    gain: float
    interval: Interval | None


def regret(gains: Sequence[float], rows: Sequence[int]) -> Regret | None:
    """gains, rows: of each decision, the newest model's gain on its evaluation rows, and how many. None without any.

    A decision period is one cluster: what happens within it is correlated. With few of them, Student's t over periods
    covers where a bootstrap over days does not.

    >>> regret([0.02, 0.01, 0.03], [100, 100, 100]).gain
    0.02
    """
    if not gains:
        return None
    each, counts = np.array(gains, dtype=np.float64), np.array(rows, dtype=np.int64)
    gain = float((each * counts).sum() / counts.sum())
    interval = day_t(gain, (each - gain) * counts, counts) if each.size >= FEWEST else None
    return Regret(each.size, int(counts.sum()), round(gain, 12), interval)
