"""A Parquet file that holds a batch, with errors in our words."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from perennial.sources.delimited import UnreadableBatch

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BUFFER = 2**20


@contextmanager
def parquet_errors() -> Iterator[None]:
    """Raises UnreadableBatch where a file is not Parquet, or not to its end."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as problem:
        reason = str(problem).splitlines()[0]
        raise UnreadableBatch(f"cannot be read as Parquet: {reason}\n  was it cut short? Send it again") from problem


def unheld(source: Any) -> pq.ParquetFile:
    """A file that keeps nothing of what was read from it: with `pre_buffer` Arrow holds all its bytes until its end."""
    import pyarrow.parquet as pq

    return pq.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)


def opened_parquet(source: Any, declared: Iterable[str]) -> pq.ParquetFile:
    """A file, of which only the description of its columns is read yet.

    source: an Arrow input. Raises UnreadableBatch for an empty one, and for a declared column that is there twice.
    """
    if not source.size():
        raise UnreadableBatch("the file is empty\n  a batch without rows is still a Parquet file with its columns")
    file = unheld(source)
    names = list(file.schema_arrow.names)
    if twice := sorted({name for name in declared if names.count(name) > 1}):
        raise UnreadableBatch(f"columns that are there twice: {', '.join(map(repr, twice))}\n  give each its own name")
    return file


def evenly(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of so many, but for the last one."""
    import pyarrow as pa

    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        while sum(each.num_rows for each in held) >= rows:
            whole = pa.concat_tables(held)
            yield whole.slice(0, rows)
            held = [whole.slice(rows)]
    if any(each.num_rows for each in held):
        yield pa.concat_tables(held)


def scratch_writer(to: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    """Writes a file that only this batch, or these rows, are read from again.

    Dictionaries of numbers, most of which differ, take four times as long to write as the numbers themselves.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(to, schema, use_dictionary=texts, write_statistics=False)


def rows_in(file: Path) -> int:
    """How many rows a Parquet file has by its own count; 0 if it is not one, which reading it reports."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(file).num_rows)
    except (pa.ArrowException, OSError):
        return 0


def first_rows(file: Path, rows: int) -> bytes:
    """A Parquet file of the first rows of another. Raises UnreadableBatch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = io.BytesIO()
    with parquet_errors(), pa.OSFile(str(file)) as source:
        arrived = opened_parquet(source, ())
        pq.write_table(pa.table(next(arrived.iter_batches(rows))), head)
    return head.getvalue()
