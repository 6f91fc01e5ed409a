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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from perennial.sources.delimited import UnreadableBatch, header_of, text_table
from perennial.sources.parquet_file import opened_parquet, parquet_errors
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.reading import Reading, matched
from perennial.sources.suffix import Suffix
from perennial.sources.typed_column import pandas_values
from perennial.sources.workbook import sheet_table
from perennial.sources.written import Decimal

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
    is_stored: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the declared columns that are there."""
        return tuple(self.frame.columns)

    @property
    def index(self) -> pd.Index[Any]:
        """The rows' numbers, by their order of arrival."""
        return self.frame.index

    def __len__(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> pd.Series:
        """One column."""
        return self.frame[name]

    def nulls(self, name: str) -> int:
        """In how many rows a column has nothing, or nothing readable."""
        return int(self.frame[name].isna().sum())

    def columns(self, names: Sequence[str]) -> pd.DataFrame:
        """Some columns."""
        return self.frame[list(names)]

    def taken(self, rows: Sequence[int] | pd.Index[Any]) -> Parsed:
        """Some rows, by their numbers, which they keep."""
        import pyarrow as pa

        places = pa.array(self.frame.index.get_indexer(rows), pa.int64())
        written = {name: texts.take(places) for name, texts in self.written.items()}
        bad, inexact = ({n: texts.loc[rows] for n, texts in of.items()} for of in (self.unreadable, self.inexact))
        return replace(self, frame=self.frame.loc[rows], unreadable=bad, inexact=inexact, written=written)

    def parts(self, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """All rows, at once. names: of the columns; all if None."""
        yield self.frame if names is None else self.frame[list(names)]

    def without(self, rows: Sequence[int]) -> Parsed:
        """The other rows, with their numbers."""
        return self.taken(self.frame.index.difference(list(rows))) if rows else self

    def with_empty(
        self, dtypes: Mapping[str, str], names: Sequence[str], absent: tuple[str, ...] | None = None
    ) -> Parsed:
        """With columns in which nothing is there; see `BatchRows`."""
        import pandas as pd

        empty = {name: pd.Series(None, index=self.frame.index, dtype=dtype) for name, dtype in dtypes.items()}
        missing = tuple(name for name in self.missing if name not in dtypes)
        frame = self.frame.assign(**empty)[list(names)]
        return replace(self, frame=frame, missing=missing, absent=self.absent if absent is None else absent)


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
    reading = Reading(types, timezone, answer, decimal, read, truths)
    for name, actual in there.items():
        typed, texts_as_written = reading.column(name, table[actual])
        columns[name] = pd.Series(pandas_values(typed.values, types[name]), index=index)
        for what, texts in (("bad", typed.bad), ("inexact", typed.inexact)):
            if texts is not None and texts.null_count < len(texts):
                besides[what][name] = pd.Series(texts.to_pandas().astype("str"), index=index)
        if texts_as_written is not None:
            as_written[name] = texts_as_written
    missing = tuple(name for name in types if name not in there)
    extra = tuple(name for name in names if name not in there.values())
    frame = pd.DataFrame(columns, index=index)
    return Parsed(frame, besides["bad"], missing, extra, besides["inexact"], as_written)


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

    with parquet_errors():
        file = opened_parquet(pa.BufferReader(data), types)
        names = list(file.schema_arrow.names)
        return names, file.read(columns=list(matched(names, types).values()))
