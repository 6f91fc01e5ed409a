"""One value of a record as its field's type, read as in a batch (`perennial.sources.typed_column`)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from perennial.sources.column_type import ColumnType


class Unreadable(Exception):
    """A value that is not of its field's type. code: of the mistake. what: completes "VALUE …". fix: what to do."""

    def __init__(self, code: str, what: str, fix: str) -> None:
        super().__init__(code, what, fix)
        self.code, self.what, self.fix = code, what, fix


Reader = Callable[[Any], Any]
"""From a value that is not None to one of the field's type, or None. Raises Unreadable."""

EXAMPLES: dict[ColumnType, str] = {
    "number": "a number",
    "integer": "a whole number",
    "text": "a text",
    "boolean": "true or false",
    "timestamp": 'a time such as "2013-01-31T18:30:00Z"',
}

LARGEST = int(sys.float_info.max)
"""The largest number. As an integer it has the same value for every program, which 1.7976931348623157e308 has not."""
INTEGERS = (-(2**63), 2**63 - 1)
"""The smallest and the largest one."""
_ZONED = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


def reader(kind: ColumnType, timezone: str) -> Reader:
    """How a field of this type is read. timezone: of times without one."""
    if kind == "timestamp":
        zone = ZoneInfo(timezone)
        return lambda value: _time(value, zone, timezone)
    return {"number": _number, "integer": _integer, "text": _text, "boolean": _boolean}[kind]


def _number(value: Any) -> float:
    if not isinstance(value, int | float):  # true and false count as 1 and 0, as in a batch
        quoted = isinstance(value, str) and re.fullmatch(r"\s*[+-]?[\d.]+([eE][+-]?\d+)?\s*", value)
        raise Unreadable(
            "type", "is not a number", f"send {value.strip()}, without quotes" if quoted else _send("number")
        )
    return _finite(value)


def _finite(value: float) -> float:
    if not abs(value) <= LARGEST:  # as a whole number it may be larger, as a float it is not finite
        raise Unreadable("not-finite", "is not a finite number", "send null if it is not known")
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, int | float):
        number = _finite(value) if isinstance(value, float) else value
        if number == int(number) and INTEGERS[0] <= number <= INTEGERS[1]:
            return int(number)
    raise Unreadable("type", "is not a whole number of 64 bits", _send("integer"))


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        simple = isinstance(value, int | float) and not isinstance(value, bool)
        raise Unreadable("type", "is not a text", f'send "{value}", in quotes' if simple else _send("text"))
    return value or None  # an empty text is missing, as in a batch


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    raise Unreadable("type", "is neither true nor false", _send("boolean"))


def _time(value: Any, zone: ZoneInfo, timezone: str) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, str):
        read = _usual(value, zone)
        if read is None:
            read = _unusual(value, timezone)
        if read is not None:
            return read
    raise Unreadable("type", f"is not a time, or {timezone} skips it", _send("timestamp"))


def _usual(text: str, zone: ZoneInfo) -> datetime | None:
    """A time as most programs write it. A repeated hour is its first occurrence, a skipped one is None."""
    try:
        if _ZONED.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
        if _LOCAL.fullmatch(text):
            local = datetime.fromisoformat(text)
            instant = local.replace(tzinfo=zone).astimezone(UTC)
            return instant if instant.astimezone(zone).replace(tzinfo=None) == local else None
    except (ValueError, OverflowError):  # no such day, or an instant outside the calendar
        return None
    return None


def _unusual(text: str, timezone: str) -> datetime | None:
    """Every other form, by the code that reads batches."""
    import pyarrow as pa

    from perennial.sources.typed_column import read_timestamps

    try:
        times, _ = read_timestamps(pa.array([text], pa.string()), timezone)
    except UnicodeEncodeError:  # half a surrogate pair
        return None
    if times.isna().iloc[0]:
        return None
    made: datetime = times.iloc[0].to_pydatetime(warn=False)
    return made.astimezone(UTC)


def _send(kind: ColumnType) -> str:
    return f"send {EXAMPLES[kind]}, or null if it is not known"
