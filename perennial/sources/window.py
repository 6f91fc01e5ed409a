"""The window of a batch: the stretch of time, or the file, that it covers."""

from __future__ import annotations

from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from zoneinfo import ZoneInfo

from perennial.local_time import midnight, moved, on_local_clocks
from perennial.sources.file_bytes import bytes_of
from perennial.sources.suffix import Suffix

if TYPE_CHECKING:
    import pandas as pd

Cut = Literal["year", "month", "week", "day", "hour"]


@dataclass(frozen=True, order=True)
class Window:
    """A half-open stretch of time [start, end) in UTC, and the name people call it by.

    start, end are None for a file whose times are known only after reading it.
    """

    start: datetime | None
    end: datetime | None
    name: str


@dataclass(frozen=True)
class Arrival:
    """A batch as its source hands it over: the bytes, untouched, and what they are.

    content: the bytes, or the file that has them; a text in a number column survives in them.
    suffix: what they are, by which they are parsed.
    """

    window: Window
    content: bytes | Path
    suffix: Suffix

    @property
    def data(self) -> bytes:
        """All the bytes, read now. Raises InputError, or TransientError where reading may succeed later."""
        return self.content if isinstance(self.content, bytes) else bytes_of(self.content)


class Source(Protocol):
    """Where batches come from. One file a source; see `perennial.sources`."""

    def windows(self) -> list[Window]:
        """Every window the source can give now, oldest first. Raises InputError if unreadable."""
        ...

    def fetch(self, window: Window) -> Arrival:
        """The bytes of one window. Raises InputError if it is not there, TransientError if it may come back."""
        ...


def window_of(name: str, cut: Cut, zone: ZoneInfo) -> Window:
    """The window that a name such as `2013`, `2013-01`, `2013-W05`, `2013-01-31` or `2013-01-31T14` stands for.

    Years, months, weeks (ISO, from Monday), days and hours are those of `zone`'s calendar.
    The last one of the calendar ends with it. Raises ValueError for a name of another shape.
    """
    if cut == "year":
        first = datetime.strptime(name, "%Y")
        days = 366 if isleap(first.year) else 365
    elif cut == "month":
        first = datetime.strptime(name, "%Y-%m")
        days = monthrange(first.year, first.month)[1]
    elif cut == "week":
        first, days = datetime.strptime(name + "-1", "%G-W%V-%u"), 7
    elif cut == "day":
        first, days = datetime.strptime(name, "%Y-%m-%d"), 1
    else:
        # An hour is counted in UTC, so that the doubled hour of autumn is two windows.
        start = datetime.strptime(name, "%Y-%m-%dT%H").replace(tzinfo=UTC)
        return Window(start, moved(start, timedelta(hours=1)), name)
    return Window(midnight(first, zone), midnight(first, zone, after=days), name)


def window_name(day: datetime, cut: Cut) -> str:
    """The name of the window that a local time lies in; for hours, a time in UTC."""
    if cut == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    parts = {"year": 0, "month": 1, "day": 2, "hour": 3}[cut]
    # Not by strftime, which writes the year 1 with one digit.
    return f"{day.year:04}" + f"-{day.month:02}-{day.day:02}T{day.hour:02}"[: 3 * parts]


def window_names(times: pd.Series, cut: Cut, zone: ZoneInfo) -> pd.Series:
    """The name of the window that each time lies in, so that `window_of` gives the window.

    times: datetime64[…, UTC] without nulls, any index, which is kept.
    """
    local = on_local_clocks(times, "UTC" if cut == "hour" else str(zone))
    step = local.dt.floor("h" if cut == "hour" else "D")
    # A name is written once for each hour or day that occurs, not once for each row.
    return step.map({each: window_name(each, cut) for each in step.unique()}).astype("str")
