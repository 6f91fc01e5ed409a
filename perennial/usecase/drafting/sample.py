"""What a declaration is drafted from: the rows of a file or folder, each column read as what it seems to be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from perennial.errors import InputError
from perennial.sources.delimited import text_table
from perennial.sources.opened import UnreadableBatch, unpacked
from perennial.sources.partitions import partitions_of, with_partitions
from perennial.sources.paths import files_in, suffix_of
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.typed_column import read_as
from perennial.sources.value_texts import is_text
from perennial.sources.workbook import sheet_rows, sheet_table
from perennial.sources.written import Decimal, Written, written
from perennial.usecase.drafting.date_form import READABLE
from perennial.usecase.drafting.file_form import file_form
from perennial.usecase.drafting.folder_form import FileForm, one_form
from perennial.usecase.drafting.guess import Guess, NeedsAnswer
from perennial.usecase.drafting.row_numbers import is_row_number
from perennial.usecase.drafting.title_rows import rows_above_header
from perennial.usecase.drafting.value_form import value_form

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Kind = Literal["number", "integer", "boolean", "timestamp", "text", "empty", "unusable"]

_IN_A_DECLARATION = "write `sheet: NAME` under source.read"
_AS_AN_ANSWER = "answer with --read sheet=NAME"
MOST_ROWS = 500_000
MOST_NAMED = 6
"""How many columns an error names at most."""
_TRUTHS = {"true", "false"}


@dataclass(frozen=True)
class Column:
    """One column. values: as its kind, null where nothing is there or a text is not of the kind.

    unreadable: how many values are not of the kind; at most 1 % of those that are there.
    example: the first of those, or of an unusable column the reason.
    padded: a whole number that is written with zeros before it, where all are equally long, as postcodes are.
    """

    name: str
    kind: Kind
    values: pd.Series
    unreadable: int
    example: str = ""
    padded: str = ""

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
    """The rows that were looked at, and how the files are written.

    files: in the order of their names. columns: by their names without spaces around them.
    read: all options but `decimal`; form: those that are not at their default, `decimal` too, with why.
    asked: (column, question), where two readings are possible.
    """

    path: Path
    files: tuple[Path, ...]
    rows: int
    decimal: Decimal
    columns: dict[str, Column]
    read: ReadOptions = PLAIN
    form: tuple[tuple[str, Guess[Any]], ...] = ()
    asked: tuple[tuple[str, str], ...] = ()

    @cached_property
    def copies(self) -> pd.Series:
        """Whether a row is an exact copy of one before it: such rows are set aside, and count for no key."""
        return self.frame([name for name in self.columns if not is_row_number(name)]).duplicated()

    def frame(self, names: list[str]) -> pd.DataFrame:
        """Some columns side by side."""
        import pandas as pd

        return pd.DataFrame({name: self.columns[name].values for name in names})


def look_at(path: Path, given: ReadOptions = PLAIN, decimal: Decimal | None = None) -> Sample:
    """Read the files at `path`, up to the first that brings more than `MOST_ROWS` rows.

    given, decimal: what a person wrote of it; the rest is looked for.
    Raises InputError for bytes that are not a table, for one that has no row, or whose files have different columns.
    """
    import pyarrow as pa

    files, by_hand = files_in(path, field=""), given.model_fields_set
    tables: list[pa.Table] = []
    forms: list[FileForm] = []
    form: dict[str, Guess[Any]] = {name: Guess(getattr(given, name), "given", "as given") for name in sorted(by_hand)}
    for file in files:
        forms.append(_form_of(file, given))
        form |= one_form(forms, frozenset(by_hand))
        read = _with(given, form)
        tables.append(with_partitions(_table(file, read), partitions_of(file, path)))
        if tables[0].column_names != tables[-1].column_names:
            raise InputError(
                f"{file}: its columns are not those of {files[0].name}: {_difference(tables[0], tables[-1])}",
                fix="Give the files the same columns, or name the one file to draft a declaration from.",
            )
        if sum(table.num_rows for table in tables) > MOST_ROWS:
            break
    table = pa.concat_tables(tables, promote_options="permissive")
    if not table.num_rows:
        raise InputError(f"{path}: there is no row to look at\n  name files that have rows")
    names = _trimmed(table.column_names)
    table = table.rename_columns(names)
    values = value_form({name: table[name] for name in names}, read, decimal)
    form |= values.form
    read = _with(read, values.form)
    mark = values.decimal.value
    shown = [*(("decimal", values.decimal) for _ in range(mark != ".")), *form.items()]
    columns = {name: _column(name, table[name], written(name, read, mark)) for name in names}
    return Sample(path, tuple(files), table.num_rows, mark, columns, read, tuple(shown), values.asked)


def _form_of(file: Path, given: ReadOptions) -> FileForm:
    """How a file is written, as its bytes show."""
    data = file.read_bytes() if suffix_of(file) != ".parquet" else b""
    try:
        if suffix_of(file) == ".csv":
            return FileForm(file, file_form(data, given), unpacked(data).isascii())
        above = None
        if suffix_of(file) == ".xlsx" and "skip_lines" not in given.model_fields_set:
            above = rows_above_header(sheet_rows(data, given)[:60])
    except UnreadableBatch as problem:
        if suffix_of(file) == ".csv":
            raise InputError(f"{file}: {problem}") from problem
        above = None  # which sheet is meant is asked when the table is read
    why = "above the header stand rows that are nearly empty"
    return FileForm(file, {} if above is None else {"skip_lines": Guess(above, "likely", why)}, True)


def _with(read: ReadOptions, form: dict[str, Guess[Any]]) -> ReadOptions:
    return read.model_copy(update={name: guess.value for name, guess in form.items()})


def _trimmed(names: list[str]) -> list[str]:
    """Names without the spaces around them, where that leaves each another one."""
    trimmed = [name.strip() for name in names]
    return trimmed if len(set(trimmed)) == len(names) else names


def _difference(first: pa.Table, other: pa.Table) -> str:
    """How the columns of a file differ from those of the first, in words."""
    names, others = first.column_names, other.column_names
    lacking, added = ([each for each in a if each not in b] for a, b in ((names, others), (others, names)))
    parts = [f"it lacks {', '.join(map(repr, lacking[:MOST_NAMED]))}"] if lacking else []
    parts += [f"it has {', '.join(map(repr, added[:MOST_NAMED]))} in addition"] if added else []
    return "; ".join(parts) or "they have another order"


def _table(file: Path, read: ReadOptions) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if suffix_of(file) == ".csv":
        try:
            return text_table(file.read_bytes(), nulls=True, read=read)
        except UnreadableBatch as problem:
            raise InputError(f"{file}: {problem}") from problem
    if suffix_of(file) == ".xlsx":
        try:
            return sheet_table(file.read_bytes(), read)
        except UnreadableBatch as problem:
            raise NeedsAnswer(f"{file}: {str(problem).replace(_IN_A_DECLARATION, _AS_AN_ANSWER)}") from problem
    try:
        return pq.read_table(file)
    except (pa.ArrowException, OSError) as problem:
        raise InputError(f"{file}: cannot be read as Parquet: {str(problem).splitlines()[0]}") from problem


def _column(name: str, column: pa.ChunkedArray, how: Written) -> Column:
    import pyarrow as pa

    if why := _unusable(name, column):
        return Column(name, "unusable", read_as(column, "text", "UTC", how)[0], 0, why)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kinds: tuple[Kind, ...] = ("boolean", "integer", "number", "timestamp")
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        kinds = ("timestamp",)
    elif pa.types.is_boolean(column.type):
        kinds = ("boolean",)
    elif how.epoch is not None:
        kinds = ("timestamp",)
    elif not is_text(column) and not pa.types.is_null(column.type):
        kinds = ("integer", "number")
    for kind in kinds:
        if kind == "boolean" and not _says_truths(column, how.nulls):
            continue
        values, bad = read_as(column, kind, "UTC", how)  # type: ignore[arg-type]
        unreadable = int(bad.notna().sum())
        if values.notna().sum() == 0 and unreadable == 0:
            return Column(name, "empty", values, 0)
        if kind == "integer" and unreadable and read_as(column, "number", "UTC", how)[1].notna().sum() < unreadable:
            continue  # a few fractions among whole numbers
        if unreadable <= (1 - READABLE) * (unreadable + values.notna().sum()) and values.notna().any():
            if kind == "number" and _has_long_numbers(column):
                break
            example = str(bad.dropna().iloc[0]) if unreadable else ""
            return Column(name, kind, values, unreadable, example, _padded(column) if kind == "integer" else "")
    return Column(name, "text", read_as(column, "text", "UTC", how)[0], 0)


def _padded(column: pa.ChunkedArray) -> str:
    """The first of the texts that has zeros before its number, where all have the same number of digits, five or more.

    Shorter ones may be hours and minutes, such as 0730. Empty where there is none.
    """
    if not is_text(column):
        return ""
    texts = read_as(column, "text", "UTC")[0].dropna().drop_duplicates()
    zeros = texts[texts.str.fullmatch(r"0+[1-9]\d*")]
    alike = texts.str.fullmatch(r"\d{5,}").all() and texts.str.len().nunique() == 1
    return str(zeros.iloc[0]) if len(zeros) and alike else ""


def _unusable(name: str, column: pa.ChunkedArray) -> str:
    """Why a column can be neither key nor feature; empty where it may be one."""
    import pyarrow as pa

    if is_row_number(name) and not pa.types.is_timestamp(column.type):
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


def _says_truths(column: pa.ChunkedArray, nulls: tuple[str, ...]) -> bool:
    """Whether every value is one of the words true and false."""
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        return True
    words = {str(value).strip().lower() for value in column.unique().to_pylist()[:50] if value is not None}
    words -= {"", *(null.lower() for null in nulls)}
    return bool(words) and words <= _TRUTHS
