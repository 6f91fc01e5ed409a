"""Whether the newest window of a source is visibly unfinished, so that its number of rows shows nothing yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perennial.clock import day, write_instant
from perennial.intake.times import largest_gap, microseconds, number_of, numbers_of
from perennial.sources.window import Window

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

SHARE = 0.1
"""This share of a window may be without rows at its end."""
GAPS = 2
"""And so many times the longest stretch without rows before."""


def unfinished(window: Window, windows: Sequence[Window], times: Iterable[pd.Series], now: datetime | None) -> str:
    """Why a window is unfinished, a clause for a note; empty if it is over, or nothing shows that it is not.

    windows: all that the source has, and those that came. times: of the window's plausible rows, aware, part by part.
    now: the wall clock's time; None on a replay clock, which knows only what the source has.
    A window that a later one follows is over. The newest one is unfinished if the time after its newest row is more
    than a tenth of it and more than twice the longest time without rows before: a shop that closes on Sundays does not
    end each month unfinished.
    """
    start, end = window.start, window.end
    if start is None or end is None or (now is not None and now >= end):
        return ""
    if any(other.start is not None and other.start >= end for other in windows):
        return ""
    inside = _ordered(times, number_of(start), number_of(end))
    if not inside.size:
        return ""
    newest = start + timedelta(microseconds=int(inside[-1]) - number_of(start))
    before = max(int(inside[0]) - number_of(start), largest_gap(inside))
    rest = end - newest
    if rest <= SHARE * (end - start) or microseconds(rest) <= GAPS * before:
        return ""
    return (
        f"{window.name} is not over yet, its newest row is of {day(write_instant(newest))} and it ends on "
        f"{day(write_instant(end))}"
    )


def _ordered(times: Iterable[pd.Series], start: int, end: int) -> npt.NDArray[np.int64]:
    """The times from `start` on and before `end`."""
    import numpy as np

    kept = []
    for there, numbers in map(numbers_of, times):
        kept.append(numbers[there & (numbers >= start) & (numbers < end)])
    inside = np.concatenate([np.empty(0, dtype=np.int64), *kept])
    inside.sort()
    return inside
