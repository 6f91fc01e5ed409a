"""What checking a request gives: typed columns with notes on what is unusual, or every mistake with its fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perennial.errors import InputError

MOST_MISTAKES = 100
"""After this many mistakes no further record is looked at, so that a bad request stays cheap."""


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
