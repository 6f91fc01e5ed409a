"""Conversion between instants and local times, up to both ends of the calendar (years 1 to 9999).

A local time on the calendar's first or last day may be an instant outside the calendar: 23:00 on 9999-12-31 in New
York is in the year 10000 in UTC. Such an instant is replaced by the calendar's `FIRST` or `LAST` moment.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FIRST_US = (FIRST - _EPOCH) // _MICROSECOND
LAST_US = (LAST - _EPOCH) // _MICROSECOND
_EDGE = timedelta(days=2) // _MICROSECOND


def on_local_clocks(instants: pd.Series, timezone: str) -> pd.Series:
    """Instants (datetime64[…, UTC], any index, which is kept) as datetime64[us] without a zone, nulls kept."""
    import pandas as pd

    exact = _microseconds(instants)
    inner = _away_from_the_ends(exact)
    shown = pd.Series(inner).dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)
    return pd.Series(inside_calendar(exact + (_microseconds(shown) - inner)), index=instants.index)


def exact_instants(local: pd.Series, timezone: str) -> np.ndarray:
    """Local times (datetime64 without a zone) as datetime64[us] in UTC, nulls kept; some are beyond the calendar.

    A repeated hour is taken as its first occurrence, a skipped one is null.
    """
    import numpy as np
    import pandas as pd

    exact = _microseconds(local)
    inner = _away_from_the_ends(exact)
    first = np.ones(len(inner), dtype=bool)
    placed = pd.Series(inner).dt.tz_localize(timezone, ambiguous=first, nonexistent="NaT").dt.tz_convert("UTC")
    moment: np.ndarray = exact + (_microseconds(placed) - inner)
    return moment


def later(instants: pd.Series, by: timedelta) -> pd.Series:
    """Instants moved on by a length of time, as datetime64[us, UTC], at most to the end of the calendar."""
    import numpy as np

    exact = _microseconds(instants)
    length = np.timedelta64(min(by, LAST - FIRST), "us")
    return in_utc(inside_calendar(exact + length), instants.index)


def moved(moment: datetime, by: timedelta) -> datetime:
    """One aware moment moved by a length of time, in UTC, at most to an end of the calendar."""
    at = moment.astimezone(UTC)
    if by > LAST - at:
        return LAST
    return FIRST if by < FIRST - at else at + by


def midnight(day: datetime, zone: ZoneInfo, after: int = 0) -> datetime:
    """The instant, in UTC, at which the day that is `after` days later than `day` begins on a zone's clocks.

    day: without a zone. The first day begins with the calendar; the day after the last one is its last moment.
    """
    if timedelta(days=after) > _naive(LAST) - day:
        return LAST
    first = day + timedelta(days=after)
    if first <= _naive(FIRST):
        return FIRST
    offset = min(first, _naive(LAST) - timedelta(days=2)).replace(tzinfo=zone).utcoffset()
    return moved(first.replace(tzinfo=UTC), -(offset or timedelta()))


def in_utc(exact: np.ndarray, index: pd.Index) -> pd.Series:
    """datetime64[us] numbers as a column in UTC."""
    import pandas as pd

    return pd.Series(exact, index=index).dt.tz_localize("UTC")


def inside_calendar(exact: np.ndarray) -> np.ndarray:
    """datetime64[us], clipped to the ends of the calendar, with nulls kept."""
    return _between(exact, FIRST_US, LAST_US)


def _away_from_the_ends(exact: np.ndarray) -> np.ndarray:
    """Clipped to two days inside both ends, where every zone can be converted; the offset there is that of the ends."""
    return _between(exact, FIRST_US + _EDGE, LAST_US - _EDGE)


def _between(exact: np.ndarray, first: int, last: int) -> np.ndarray:
    import numpy as np

    # np.clip keeps nulls of datetime64.
    bounded: np.ndarray = np.clip(exact, np.datetime64(first, "us"), np.datetime64(last, "us"))
    return bounded


def _microseconds(times: pd.Series) -> np.ndarray:
    plain = times.dt.tz_convert(None) if times.dt.tz is not None else times
    microseconds: np.ndarray = plain.to_numpy(dtype="datetime64[us]")
    return microseconds


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
