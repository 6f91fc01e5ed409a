"""What a declaration is drafted from: the rows of a file or folder, each column read as what it seems to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from perennial.errors import InputError
from perennial.sources.delimited import header_of, text_table
from perennial.sources.files import files_in
from perennial.sources.parsing import Decimal, UnreadableBatch, read_as

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Kind = Literal["number", "integer", "boolean", "timestamp", "text", "empty", "unusable"]

MOST_ROWS = 500_000
READABLE = 0.99
_TRUTHS = {"true", "false"}


@dataclass(frozen=True)
class Column:
    """One column. values: as its kind, null where nothing is there or a text is not of the kind.

    unreadable: how many values are not of the kind; at most 1 % of those that are there.
    example: the first of those, or of an unusable column the reason.
    """

    name: str
    kind: Kind
    values: pd.Series
    unreadable: int
    example: str = ""

    @property
    def nulls(self) -> int:
        """How many rows have nothing here."""
        return int(self.values.isna().sum())

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(self.values.nunique())


@dataclass(frozen=True)
class Sample:
    """The rows that were looked at, and how the files write numbers. files: in the order of their names."""

    path: Path
    files: tuple[Path, ...]
    rows: int
    decimal: Decimal
    columns: dict[str, Column]

    @cached_property
    def copies(self) -> pd.Series:
        """Whether a row is an exact copy of one before it: such rows are set aside, and count for no key."""
        return self.frame(list(self.columns)).duplicated()

    def frame(self, names: list[str]) -> pd.DataFrame:
        """Some columns side by side."""
        import pandas as pd

        return pd.DataFrame({name: self.columns[name].values for name in names})


def look_at(path: Path) -> Sample:
    """Read the files at `path`, up to the first that brings more than `MOST_ROWS` rows.

    Raises InputError for what is no table, has no row, or whose files have different columns.
    """
    import pyarrow as pa

    files = files_in(path)
    tables: list[pa.Table] = []
    for file in files:
        tables.append(_table(file))
        if tables[0].column_names != tables[-1].column_names:
            differ = ", ".join(sorted(set(tables[0].column_names) ^ set(tables[-1].column_names))) or "their order"
            raise InputError(
                f"{file}: other columns than {files[0].name} ({differ})\n"
                "  write them alike, or name the one file that a declaration is to be drafted from"
            )
        if sum(table.num_rows for table in tables) > MOST_ROWS:
            break
    table = pa.concat_tables(tables, promote_options="permissive")
    if not table.num_rows:
        raise InputError(f"{path}: there is no row to look at\n  name files that have rows")
    decimal: Decimal = "," if any(_has_decimal_commas(table[name]) for name in table.column_names) else "."
    columns = {name: _column(name, table[name], decimal) for name in table.column_names}
    return Sample(path, tuple(files), table.num_rows, decimal, columns)


def _table(file: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file.suffix.lower() == ".csv":
        data = file.read_bytes()
        try:
            header_of(data)
            return text_table(data, nulls=True)
        except UnreadableBatch as problem:
            raise InputError(f"{file}: {problem}") from problem
    try:
        return pq.read_table(file)
    except (pa.ArrowException, OSError) as problem:
        raise InputError(f"{file}: cannot be read as Parquet: {str(problem).splitlines()[0]}") from problem


def _has_decimal_commas(column: pa.ChunkedArray) -> bool:
    """Whether nearly all texts of a column are numbers, and some only by a decimal comma."""
    import pyarrow as pa

    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return False
    there = len(column) - column.null_count
    points, commas = (int(read_as(column, "number", "UTC", mark)[1].notna().sum()) for mark in (".", ","))
    return commas <= (1 - READABLE) * there < points


def _column(name: str, column: pa.ChunkedArray, decimal: Decimal) -> Column:
    import pyarrow as pa

    there = len(column) - column.null_count
    if why := _unusable(name, column):
        return Column(name, "unusable", read_as(column, "text", "UTC")[0], 0, why)
    kinds: tuple[Kind, ...] = ("boolean", "integer", "number", "timestamp")
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        kinds = ("timestamp",)
    elif pa.types.is_boolean(column.type):
        kinds = ("boolean",)
    elif not _is_text(column):
        kinds = ("integer", "number")
    for kind in kinds:
        if kind == "boolean" and not _says_truths(column):
            continue
        values, bad = read_as(column, kind, "UTC", decimal)  # type: ignore[arg-type]
        unreadable = int(bad.notna().sum())
        if values.notna().sum() == 0 and unreadable == 0:
            return Column(name, "empty", values, 0)
        if unreadable <= (1 - READABLE) * there and values.notna().any():
            if kind == "number" and _has_long_numbers(column):
                break
            return Column(name, kind, values, unreadable, str(bad.dropna().iloc[0]) if unreadable else "")
    return Column(name, "text", read_as(column, "text", "UTC")[0], 0)


def _unusable(name: str, column: pa.ChunkedArray) -> str:
    """Why a column can be neither key nor feature; empty where it may be one."""
    import pyarrow as pa

    if name == "" or re.fullmatch(r"Unnamed: \d+|__index_level_\d+__", name):
        return "the row number that pandas wrote beside the columns"
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    kinds = (
        (pa.types.is_nested, "lists or structs"),
        (pa.types.is_duration, "durations"),
        (pa.types.is_interval, "intervals"),
        (pa.types.is_binary, "bytes"),
        (pa.types.is_large_binary, "bytes"),
        (pa.types.is_fixed_size_binary, "bytes"),
    )
    what = next((word for is_kind, word in kinds if is_kind(kind)), "")
    return f"it holds {what}; derive a number or a text from it at the source" if what else ""


def _has_long_numbers(column: pa.ChunkedArray) -> bool:
    """Whether whole numbers are too long for a number: they name something, and their last digits would be lost."""
    texts = read_as(column, "text", "UTC")[0].dropna()
    return bool(texts.str.fullmatch(r"[+-]?\d{16,}").any())


def written_for_people(column: Column) -> str | None:
    """How a text column writes numbers that are not read as such, `1,234.50` or `$5`; None where it holds others."""
    texts = column.values.dropna().astype("str").str.strip() if column.kind == "text" else None
    if texts is None or not len(texts):
        return None
    plain = texts.str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)")
    dressed = texts.str.fullmatch(r"[+-]?\(?[$€£¥]?\s?[+-]?\d{1,3}([,' \u00a0]\d{3})*(\.\d+)?\s?([$€£¥%]|[A-Z]{3})?\)?")
    odd = texts[dressed & ~plain]
    return str(odd.iloc[0]) if len(odd) and (plain | dressed).mean() >= READABLE else None


def _is_text(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


def _says_truths(column: pa.ChunkedArray) -> bool:
    """Whether every value is one of the words true and false."""
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        return True
    words = {str(value).strip().lower() for value in column.unique().to_pylist()[:50] if value is not None}
    return bool(words - {""}) and words - {""} <= _TRUTHS
