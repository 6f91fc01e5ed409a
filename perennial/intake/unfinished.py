"""Whether the newest window of a source is visibly unfinished, so that its number of rows shows nothing yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perennial.clock import day, write_instant
from perennial.sources.window import Window

if TYPE_CHECKING:
    import pandas as pd

SHARE = 0.1
"""This share of a window may be without rows at its end."""
GAPS = 2
"""And so many times the longest stretch without rows before."""


def unfinished(window: Window, windows: Sequence[Window], times: pd.Series, now: datetime | None) -> str:
    """Why a window is unfinished, a clause for a note; empty if it is over, or nothing shows that it is not.

    windows: all that the source has, and those that came. times: of the window's plausible rows, aware. now: the wall
    clock's time; None on a replay clock, which knows only what the source has.
    A window that a later one follows is over. The newest one is unfinished if the time after its newest row is more
    than a tenth of it and more than twice the longest time without rows before: a shop that closes on Sundays does not
    end each month unfinished.
    """
    start, end = window.start, window.end
    known = times.dropna()
    if start is None or end is None or known.empty or (now is not None and now >= end):
        return ""
    if any(other.start is not None and other.start >= end for other in windows):
        return ""
    inside = known[(known >= start) & (known < end)].sort_values()
    if inside.empty:
        return ""
    newest, longest = inside.iloc[-1].to_pydatetime(), inside.diff().max()
    before = max(inside.iloc[0].to_pydatetime() - start, timedelta(0) if longest is None else _span(longest))
    rest = end - newest
    if rest <= SHARE * (end - start) or rest <= GAPS * before:
        return ""
    return (
        f"{window.name} is not over yet, its newest row is of {day(write_instant(newest))} and it ends on "
        f"{day(write_instant(end))}"
    )


def _span(longest: pd.Timedelta) -> timedelta:
    """A difference of times; with one row there is none."""
    seconds = longest.total_seconds()
    return timedelta(seconds=seconds) if seconds == seconds else timedelta(0)
