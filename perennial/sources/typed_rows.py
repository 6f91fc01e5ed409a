"""Rows of a file that arrived, typed part by part into a Parquet file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from perennial.fault_points import full_disk
from perennial.sources.csv_in_parts import CsvFile
from perennial.sources.parquet_file import evenly, opened_parquet, parquet_errors, scratch_writer
from perennial.sources.reading import Reading, matched
from perennial.sources.typed_column import arrow_type

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

PART = 2**18
"""Rows that are read, and written, at a time."""
_TEXTS = ("unreadable", "inexact", "written")


@dataclass(frozen=True)
class Typed:
    """What was written. columns: of the file that arrived. seen: (what, column), as `places_of`, with any value."""

    rows: int
    columns: tuple[str, ...]
    seen: frozenset[tuple[str, str]]


def places_of(there: Mapping[str, str], reading: Reading) -> dict[tuple[str, str], tuple[str, pa.DataType]]:
    """(what, column) → its name in a file of typed rows, and its type there.

    what: "value", or "unreadable", "inexact" or "written" for texts as in `Parsed`. there: as `matched` has them.
    """
    import pyarrow as pa

    kinds = {("value", name): arrow_type(reading.types[name]) for name in there}
    kinds |= {(what, name): pa.string() for what in _TEXTS for name in there}
    return {key: (str(place), kind) for place, (key, kind) in enumerate(kinds.items())}


def type_rows(source: Any, reading: Reading, to: IO[bytes], groups: Sequence[int] | None = None) -> Typed:
    """Type the declared columns of a Parquet file.

    source: an Arrow input. groups: of rows, in order; all if None. Raises UnreadableBatch, DiskFull.
    """
    with parquet_errors():
        arrived = opened_parquet(source, reading.types)
    names = arrived.schema_arrow.names
    return _type(names, _read(arrived, list(matched(names, reading.types).values()), groups), reading, to)


def type_texts(file: CsvFile, reading: Reading, to: IO[bytes]) -> Typed:
    """Type the declared columns of a CSV file. Raises UnreadableBatch, DiskFull."""
    names, _ = file.header
    columns = list(matched(names, reading.types).values())
    return _type(names, file.texts(columns or names[:1], nulls=True), reading, to)


def _type(columns: Sequence[str], arrived: Iterable[pa.Table], reading: Reading, to: IO[bytes]) -> Typed:
    import pyarrow as pa

    there = matched(columns, reading.types)
    places = places_of(there, reading)
    schema = pa.schema(list(places.values()))
    rows, seen = 0, {("value", name) for name in there}
    with full_disk("the columns of a batch"), scratch_writer(to, schema) as writer:
        for part in evenly(arrived, PART):
            typed = _typed(part, there, reading)
            seen |= {key for key, texts in typed.items() if texts is not None and texts.null_count < len(texts)}
            arrays = [_as(typed[key], kind, part.num_rows) for key, (_, kind) in places.items()]
            writer.write_table(pa.table(arrays, schema=schema), row_group_size=PART)
            rows += part.num_rows
    return Typed(rows, tuple(columns), frozenset(seen))


def _read(file: pq.ParquetFile, columns: list[str], groups: Sequence[int] | None) -> Iterator[pa.Table]:
    import pyarrow as pa

    with parquet_errors():
        for part in file.iter_batches(PART, columns=columns, row_groups=groups):
            yield pa.table(part)


def _typed(part: pa.Table, there: Mapping[str, str], reading: Reading) -> dict[tuple[str, str], Any]:
    """(what, column) → the typed values, or texts, of some rows."""
    typed: dict[tuple[str, str], Any] = {}
    for name, actual in there.items():
        read, as_written = reading.column(name, part[actual])
        typed["value", name] = read.values
        typed["unreadable", name], typed["inexact", name], typed["written", name] = read.bad, read.inexact, as_written
    return typed


def _as(values: Any, kind: pa.DataType, rows: int) -> Any:
    import pyarrow as pa

    return pa.nulls(rows, kind) if values is None else values.cast(kind)
