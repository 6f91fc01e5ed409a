"""From the bytes of a batch to typed columns. A value that is not of its column's type is kept as it was written.

How values are read:
- number: decimal or exponent form, with the decimal mark that the schema names: a text with the other one is
  unreadable. Where that is the comma, points separate thousands unless `read.thousands` names another mark: 1.234,5.
  Groups have three digits, and the first begins with no 0. `true` and `false` count as 1 and 0.
  (5.00) and 5.00- are unreadable, unless `read.negatives` names them. Not finite is unreadable.
  What is kept is the nearest float of 64 bits: whole numbers are exact up to 2**53.
  In a binary target `yes` and `no` do so too, or the two texts that the schema names.
- integer: as number, and whole: 1.0 is one, 1.5 unreadable, and so is what 64 bits do not hold. Exact.
- boolean: true, false, 1, 0.
- timestamp: ISO 8601 from the year alone down to fractions of a second (kept to the microsecond), YYYYMMDD,
  day, month and year parted by points (31.12.2024 18:30), or with the month's name (03-Jan-2024). Parted by slashes or
  hyphens they could mean two days: unreadable, unless `read.day_first` settles it; so are years of two digits unless
  `read.short_years` does. Whole numbers of a column in `read.epochs` count from 1970.
  Years go from 1 to 9999. A local time of the last day that is in the year 10000 in UTC is the last moment of 9999.
  One without a zone is in the use case's timezone. There, an hour that the clocks repeat is its first
  passing (daylight-saving time), and an hour that they skip is unreadable.
- text: as it is. A Parquet number is written without `.0` when it is whole, so that a code stays one code.
- nothing: an empty value; NA, NaN and null where not quoted (in Parquet: where the type is not text); what
  `read.nulls` and `read.nulls_of` name.
- the columns' names: as they are; a declared one that is not there is the only one that is the same without the spaces
  around it and in Unicode's composed form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from perennial.sources.delimited import UnreadableBatch, header_of, text_table
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.suffix import Suffix
from perennial.sources.typed_column import pandas_values, read_column
from perennial.sources.value_texts import is_text
from perennial.sources.workbook import sheet_table
from perennial.sources.written import Decimal, written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from perennial.sources.column_type import ColumnType

__all__ = ["Parsed", "UnreadableBatch", "matched", "parse"]


@dataclass(frozen=True)
class Parsed:
    """A batch as typed columns, in the order in which its rows arrived.

    frame: the declared columns that are there. number is float64, integer Int64, text str, boolean boolean,
        timestamp datetime64[us, UTC]; nothing and unreadable are null.
    unreadable: for each column with values that are not of its type, their texts on the frame's index, else null.
    inexact: likewise what a readable value was, in one spelling, where its type holds it only nearly: a number with
        more digits than a float has, a time with nanoseconds or one that UTC has no day for.
    missing: declared columns that are not there. extra: columns that are there and not declared.
    absent: declared features that are not there and count as missing in every row of the frame.
    written: the texts of columns that are not written plainly, as they stood in the file, row by row.
    """

    frame: pd.DataFrame
    unreadable: dict[str, pd.Series]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    inexact: dict[str, pd.Series] = field(default_factory=dict)
    written: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


def parse(
    data: bytes,
    suffix: Suffix,
    types: dict[str, ColumnType],
    timezone: str,
    answer: str | None = None,
    decimal: Decimal = ".",
    *,
    read: ReadOptions = PLAIN,
    truths: tuple[str, str] | None = None,
) -> Parsed:
    """The declared columns of a batch, typed.

    answer: the column, if any, in which two texts count as 1 and 0: a binary target.
    truths: the two, that for 1 first; None for `yes` and `no`.
    decimal: the decimal mark of numbers that are written as text. read: how else the file is written.

    Raises UnreadableBatch with the reason where the bytes are no table at all.
    """
    import pandas as pd

    names, table = _read(data, suffix, types, read)
    there = matched(names, types)
    index = pd.RangeIndex(table.num_rows)
    columns: dict[str, pd.Series] = {}
    besides: dict[str, dict[str, pd.Series]] = {"bad": {}, "inexact": {}}
    as_written: dict[str, pa.ChunkedArray] = {}
    for name, actual in there.items():
        arrived = _undictionaried(table[actual])
        column = _answers(arrived) if name == answer and truths is None else arrived
        how = written(name, read, decimal, truths if name == answer else None)
        typed = read_column(column, types[name], timezone, how)
        columns[name] = pd.Series(pandas_values(typed.values, types[name]), index=index)
        for what, texts in (("bad", typed.bad), ("inexact", typed.inexact)):
            if texts is not None and texts.null_count < len(texts):
                besides[what][name] = pd.Series(texts.to_pandas().astype("str"), index=index)
        if not how.plain and is_text(arrived):
            as_written[name] = arrived
    missing = tuple(name for name in types if name not in there)
    extra = tuple(name for name in names if name not in there.values())
    frame = pd.DataFrame(columns, index=index)
    return Parsed(frame, besides["bad"], missing, extra, besides["inexact"], as_written)


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


def _read(data: bytes, suffix: Suffix, types: dict[str, ColumnType], read: ReadOptions) -> tuple[list[str], pa.Table]:
    """The names of all columns, and at least those that are declared."""
    if suffix == ".csv":
        return _csv(data, types, read)
    if suffix == ".parquet":
        return _parquet(data, types)
    table = sheet_table(data, read)
    return table.column_names, table


def _csv(data: bytes, types: dict[str, ColumnType], read: ReadOptions) -> tuple[list[str], pa.Table]:
    names, _ = header_of(data, read)
    columns = list(matched(names, types).values())
    return names, text_table(data, nulls=True, columns=columns or names[:1], read=read)


def _parquet(data: bytes, types: dict[str, ColumnType]) -> tuple[list[str], pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not data:
        raise UnreadableBatch("the file is empty\n  a batch without rows is still a Parquet file with its columns")
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = list(file.schema_arrow.names)
        twice = sorted({name for name in types if names.count(name) > 1})
        if not twice:
            return names, file.read(columns=list(matched(names, types).values()))
    except (pa.ArrowException, OSError) as problem:
        reason = str(problem).splitlines()[0]
        raise UnreadableBatch(f"cannot be read as Parquet: {reason}\n  was it cut short? Send it again") from problem
    raise UnreadableBatch(f"the columns {', '.join(map(repr, twice))} are there twice\n  give each column one name")
