"""What a season does to the loss: the same weeks a year ago, compared with the weeks of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from perennial.ledger.entries import Day

YEAR = timedelta(days=364)
"""52 weeks, so that weekdays match."""
FEWEST_DAYS = 14


@dataclass(frozen=True)
class Season:
    """By which factor the reference changes with the season, with its standard error; days that it stands on."""

    factor: float
    se: float
    days: int


def season(days: Sequence[Day], now: tuple[date, date], reference: tuple[date, date]) -> Season | None:
    """The mean loss a year before `now`, divided by the mean loss a year before `reference`.

    days: of whichever champion was live then, measured on rows that it was not trained on. now, reference: first and
    last day of the newest labels and of the rows that gave the reference. None if either has fewer than `FEWEST_DAYS`
    a year ago, or if different champions cannot be compared because a loss is not positive.
    The standard error is that of a ratio of independent means of days (delta method).
    """
    then = [_between(days, first - YEAR, last - YEAR) for first, last in (now, reference)]
    if min(len(losses) for losses in then) < FEWEST_DAYS:
        return None
    means = [float(losses.mean()) for losses in then]
    if min(means) <= 0:
        return None
    relative = [float(losses.std(ddof=1)) / len(losses) ** 0.5 / mean for losses, mean in zip(then, means, strict=True)]
    factor = means[0] / means[1]
    return Season(factor, factor * float(np.hypot(*relative)), sum(map(len, then)))


def _between(days: Sequence[Day], first: date, last: date) -> np.ndarray:
    return np.array([day.loss for day in days if first.isoformat() <= day.day <= last.isoformat()])
