"""How the declared columns of a file are read, one column at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.typed_column import ReadColumn, read_column
from perennial.sources.value_texts import is_text
from perennial.sources.written import Decimal, Written, written

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.sources.column_type import ColumnType


@dataclass(frozen=True)
class Reading:
    """Types and spellings of the declared columns; see `parsing.parse`."""

    types: Mapping[str, ColumnType]
    timezone: str
    answer: str | None = None
    decimal: Decimal = "."
    read: ReadOptions = PLAIN
    truths: tuple[str, str] | None = None

    def column(self, name: str, arrived: pa.ChunkedArray) -> tuple[ReadColumn, pa.ChunkedArray | None]:
        """A column, or a part of it, read as its type; its texts, where they are not written plainly."""
        arrived, how = _undictionaried(arrived), self.how(name)
        column = _answers(arrived) if name == self.answer and self.truths is None else arrived
        typed = read_column(column, self.types[name], self.timezone, how)
        return typed, arrived if not how.plain and is_text(arrived) else None

    def how(self, name: str) -> Written:
        """How the values of a column are written."""
        return written(name, self.read, self.decimal, self.truths if name == self.answer else None)


def matched(names: Iterable[str], declared: Iterable[str]) -> dict[str, str]:
    """Each declared column that is there → its name in the file, in the order in which they are declared.

    >>> matched(["order ", "at"], ["order", "at", "price"])
    {'order': 'order ', 'at': 'at'}
    """
    names, declared = list(names), list(declared)
    free: dict[str, list[str]] = {}
    for name in names:
        if name not in declared:
            free.setdefault(_alike(name), []).append(name)
    actual = {}
    for name in declared:
        near = free.get(_alike(name), [])
        if name in names:
            actual[name] = name
        elif len(near) == 1 and [_alike(each) for each in declared].count(_alike(name)) == 1:
            actual[name] = near[0]
    return actual


def _alike(name: str) -> str:
    return normalize("NFC", name.removeprefix("\ufeff").strip())


def _undictionaried(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _answers(column: pa.ChunkedArray) -> Any:
    """A column of texts with `yes` and `no`, however capitalised, as 1 and 0; another column as it is."""
    import pyarrow.compute as pc

    if not is_text(column):
        return column
    words = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    return pc.if_else(pc.equal(words, "yes"), "1", pc.if_else(pc.equal(words, "no"), "0", column))
