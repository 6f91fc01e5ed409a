"""A batch's bytes as typed columns, read as its use case declares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from perennial.intake.missing import with_missing_features
from perennial.sources.column_type import ColumnType
from perennial.sources.csv_in_parts import CsvFile, csv_file, has_lines
from perennial.sources.parquet_file import rows_in
from perennial.sources.parsing import Parsed, parse
from perennial.sources.read_options import ReadOptions
from perennial.sources.reading import Reading
from perennial.sources.stored import Stored, stored
from perennial.sources.suffix import Suffix
from perennial.usecase.columns import column_types, read_options
from perennial.usecase.declaration import Declaration


def typed_batch(declaration: Declaration, data: bytes, suffix: Suffix) -> Parsed:
    """The declared columns of a batch, those that it may lack empty. Raises UnreadableBatch for bytes of no table."""
    parsed = typed(declaration, data, suffix, column_types(declaration), read_options(declaration))
    return with_missing_features(parsed, declaration)


@contextmanager
def stored_batch(declaration: Declaration, file: Path | CsvFile, folder: Path) -> Iterator[Stored]:
    """As `typed_batch`, of a file of Parquet or CSV, with the columns in a file below `folder`."""
    with stored(file, reading_of(declaration), folder) as batch:
        yield with_missing_features(batch, declaration)


def too_large(file: Path, suffix: Suffix, read: ReadOptions, rows: int) -> Path | CsvFile | None:
    """The file as `stored_batch` takes it, if it has more rows than that and can be read in parts; else None.

    A CSV may count as having a few more rows than it has. Raises UnreadableBatch.
    """
    if suffix == ".parquet":
        return file if rows_in(file) > rows else None
    if suffix != ".csv" or not has_lines(file, rows):
        return None
    texts = csv_file(file, read)
    return texts if texts is not None and texts.lines > rows + 1 else None


def reading_of(declaration: Declaration) -> Reading:
    """How the columns of a batch are read."""
    schema = declaration.schema_
    return Reading(
        column_types(declaration),
        schema.timezone,
        schema.answer,
        schema.decimal,
        read_options(declaration),
        schema.truths,
    )


def typed(
    declaration: Declaration, data: bytes, suffix: Suffix, types: Mapping[str, ColumnType], read: ReadOptions
) -> Parsed:
    """Columns of a file that is written as `read` has it; their types are given. Raises as `typed_batch`."""
    schema = declaration.schema_
    return parse(
        data,
        suffix,
        dict(types),
        schema.timezone,
        schema.answer,
        schema.decimal,
        read=read,
        truths=schema.truths,
    )
