"""The window of a batch: the stretch of time, or the file, that it covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol
from zoneinfo import ZoneInfo

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

    data: the bytes; a text in a number column survives in them.
    suffix: `.csv` or `.parquet`, which says how to parse them.
    """

    window: Window
    data: bytes
    suffix: Literal[".csv", ".parquet"]


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
    Raises ValueError for a name of another shape.
    """
    if cut == "year":
        first = datetime.strptime(name, "%Y")
        after = datetime(first.year + 1, 1, 1)
    elif cut == "month":
        first = datetime.strptime(name, "%Y-%m")
        after = datetime(first.year + first.month // 12, first.month % 12 + 1, 1)
    elif cut == "week":
        first = datetime.strptime(name + "-1", "%G-W%V-%u")
        after = first + timedelta(days=7)
    elif cut == "day":
        first = datetime.strptime(name, "%Y-%m-%d")
        after = first + timedelta(days=1)
    else:
        # An hour is counted in UTC, so that the doubled hour of autumn is two windows.
        start = datetime.strptime(name, "%Y-%m-%dT%H").replace(tzinfo=UTC)
        return Window(start, start + timedelta(hours=1), name)
    return Window(first.replace(tzinfo=zone).astimezone(UTC), after.replace(tzinfo=zone).astimezone(UTC), name)


def window_names(times: pd.Series, cut: Cut, zone: ZoneInfo) -> pd.Series:
    """The name of the window that each time lies in, so that `window_of` gives the window.

    times: datetime64[…, UTC] without nulls, any index, which is kept.
    """
    local = times if cut == "hour" else times.dt.tz_convert(zone).dt.tz_localize(None)
    step = local.dt.floor("h" if cut == "hour" else "D")
    # A name is written once for each hour or day that occurs, not once for each row.
    return step.map({each: each.strftime(NAME_FORMATS[cut]) for each in step.unique()}).astype("str")


NAME_FORMATS: dict[Cut, str] = {
    "year": "%Y",
    "month": "%Y-%m",
    "week": "%G-W%V",
    "day": "%Y-%m-%d",
    "hour": "%Y-%m-%dT%H",
}
