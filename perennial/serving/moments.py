"""Built-in derived features of single instants without pandas, equal to those of `perennial.features.built_in`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from perennial.clock import from_microseconds, microseconds
from perennial.features.built_in import BuiltIns
from perennial.local_time import FIRST_US, LAST_US
from perennial.usecase.built_in import built_in

_NAIVE_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_DAY_US = 86_400_000_000
_EDGE_US = 2 * _DAY_US

Instants = Sequence[datetime | None]
Derived = Callable[[Instants, Instants], list[float | None]]
"""From the column's instants and the event's, aware and in UTC, to one number per row, None if missing."""


def moment_functions(derived: Sequence[str], settings: BuiltIns) -> dict[str, Derived] | None:
    """Feature → function; None if one of them is custom or of a version that is not known here."""
    zone = ZoneInfo(settings.timezone)
    made: dict[str, Derived] = {}
    for spec in derived:
        known = built_in(spec)
        if known is None or (known[0], settings.versions.get(known[0])) not in _VERSIONS:
            return None
        made[spec] = _days_since if known[0] == "days_since" else _on_clocks(_PARTS[known[0]], zone)
    return made


_VERSIONS = {("hour_of", 1), ("weekday_of", 1), ("month_of", 1), ("days_since", 1)}
_PARTS: dict[str, Callable[[datetime], int]] = {
    "hour_of": lambda local: local.hour,
    "weekday_of": lambda local: local.isoweekday(),
    "month_of": lambda local: local.month,
}


def _on_clocks(part: Callable[[datetime], int], zone: ZoneInfo) -> Derived:
    def values(times: Instants, _event: Instants) -> list[float | None]:
        return [None if time is None else float(part(_local(time, zone))) for time in times]

    return values


def _local(time: datetime, zone: ZoneInfo) -> datetime:
    """The local time without a zone. Within two days of the calendar's ends, the offset of two days inside is used."""
    exact = microseconds(time)
    inner = min(max(exact, FIRST_US + _EDGE_US), LAST_US - _EDGE_US)
    if inner == exact:
        return time.astimezone(zone)
    offset = from_microseconds(inner).astimezone(zone).utcoffset() or timedelta()
    shown = min(max(exact + offset // _MICROSECOND, FIRST_US), LAST_US)
    return _NAIVE_EPOCH + timedelta(microseconds=shown)


def _days_since(times: Instants, event: Instants) -> list[float | None]:
    return [
        None if since is None or until is None else float((until - since) // _MICROSECOND) / _DAY_US
        for since, until in zip(times, event, strict=True)
    ]
