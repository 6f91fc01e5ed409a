"""Durations and instants. Nothing here, or in any core module, asks the machine for the time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime.min.replace(tzinfo=UTC)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
LONGEST = timedelta(days=36_500)
A_DURATION = "for example 90d"
"""In a message about one. Where another length is meant, that is a better example."""
_DURATION = re.compile(r"^\s*(\d+)\s*([mhdwy])\s*$")


def parse_duration(text: str) -> timedelta:
    """`15m`, `6h`, `90d`, `2w`, `1y` (365 days) as a timedelta, at most `LONGEST`. Raises ValueError with the forms."""
    match = _DURATION.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a duration: write a whole number and m, h, d, w or y, {A_DURATION}")
    if int(match[1]) > LONGEST / _UNITS[match[2]]:
        raise ValueError(f"{text!r} is longer than {LONGEST.days} days")
    return int(match[1]) * _UNITS[match[2]]


def write_duration(length: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back."""
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


@lru_cache(maxsize=65_536)
def instant(text: str) -> datetime:
    """An ISO 8601 text as an aware datetime in UTC. Raises ValueError if the zone is missing.

    Cached: a cycle reads when each batch arrived in many places.
    """
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write for example {text}Z")
    return value.astimezone(UTC)


def write_instant(value: datetime) -> str:
    """ISO 8601 in UTC with a Z, to the second unless it carries fractions."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day(text: str) -> str:
    """The day of an instant as `write_instant` writes it.

    >>> day("2024-02-01T06:00:00Z")
    '2024-02-01'
    """
    return text.partition("T")[0]


def microseconds(value: datetime) -> int:
    """Since 1970 in UTC, exact.

    >>> microseconds(instant("1970-01-01T00:00:01Z"))
    1000000
    """
    return (value - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """The instant that `microseconds` counts."""
    return _EPOCH + timedelta(microseconds=value)
