"""What checking a request gives: typed columns with notes on what is unusual, or every mistake with its fix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perennial.errors import InputError

MOST_MISTAKES = 100
"""After this many mistakes no further record is looked at, so that a bad request stays cheap."""


_LONGEST = 80


@dataclass(frozen=True)
class BadField:
    """One mistake. row: position of the record, from 0. field: None if the record as a whole is wrong.

    code: `missing`, `unknown`, `type`, `not-finite`, `not-in-domain`, `not-a-record`, `not-json`, `no-records`,
    `not-predictable`.
    """

    row: int
    field: str | None
    code: str
    value: Any
    message: str
    fix: str


@dataclass(frozen=True)
class Note:
    """Something unusual about a record that is scored nevertheless. code: `unseen-category`, `not-in-domain`."""

    row: int
    field: str
    code: str
    value: Any
    message: str


class BadRecords(InputError):
    """Records that cannot be scored. mistakes: every bad field of every record, up to `MOST_MISTAKES`."""

    code = "record-wrong"

    def __init__(self, mistakes: tuple[BadField, ...]) -> None:
        self.mistakes = mistakes
        lines = [f"record {each.row}: {each.message}; {each.fix}" for each in mistakes]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[BadRecords], tuple[tuple[BadField, ...]]]:
        return type(self), (self.mistakes,)


@dataclass(frozen=True, eq=False)
class Checked:
    """Records that can be scored: field → one value for each record, of the field's type, None if missing.

    number: float or int or bool; integer: int; text: str; boolean: bool; timestamp: aware datetime in UTC.
    notes: in the order of the rows.
    """

    rows: int
    columns: Mapping[str, Sequence[Any]]
    notes: tuple[Note, ...] = ()


def shown(value: Any) -> str:
    """A value as messages have it: on one line and short, whatever a client sent."""
    try:
        text = repr(value)
    except RecursionError:
        return "a value that is nested too deeply"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _shown_value(value: Any) -> Any:
    """A value that any JSON can have: itself if it is simple and short, or else as `shown`."""
    if value is None or isinstance(value, bool) or (isinstance(value, int) and -(2**63) <= value < 2**63):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return value if isinstance(value, str) and len(value) <= _LONGEST and _can_be_sent(value) else shown(value)


def _can_be_sent(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)


def shown_mistakes(wrong: BadRecords) -> tuple[str, list[dict[str, Any]]]:
    """The message and the mistakes, as JSON can have them: values of any size or nesting are shown as short texts."""
    mistakes = [
        {
            "row": each.row,
            "field": None if each.field is None else _encodable(each.field),
            "code": each.code,
            "value": _shown_value(each.value),
            "message": _encodable(each.message),
            "fix": _encodable(each.fix),
        }
        for each in wrong.mistakes
    ]
    return _encodable(str(wrong)), mistakes


def _encodable(text: str) -> str:
    """Half a surrogate pair cannot be sent; it becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
