"""The accepted rows of some batches in key order: in memory, or on disk if there are more than may be in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perennial.store.bounded import Bounds
from perennial.store.known import Known
from perennial.store.rows import read_parts, read_rows
from perennial.store.stored_rows import StoredRows, kept_rows
from perennial.store.stream import Stream
from perennial.store.tables import Tables
from perennial.store.whole_types import WholeTypes
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def batch_rows(
    tables: Tables, usecase: str, schema: Schema, known: Known, only: Sequence[str]
) -> pd.DataFrame | StoredRows:
    """As `read_rows` of the batches with these ids. Raises OutOfMemory, DiskFull."""
    bounds = bounds_on_disk(tables, known, only)
    if bounds is None:
        return read_rows(tables, usecase, schema, known, only=tuple(only))
    return rows_on_disk(tables, bounds, usecase, schema, known, only)


def rows_on_disk(
    tables: Tables,
    bounds: Bounds,
    usecase: str,
    schema: Schema,
    known: Known,
    only: Sequence[str],
    keeps: Callable[[pa.Table], pa.Array] | None = None,
) -> StoredRows:
    """As `read_rows` of some batches, in a file. keeps: which rows of a part are kept; all if None.

    Raises OutOfMemory, DiskFull.
    """
    # The join with late labels and the sort go on at the same time.
    half, types = replace(bounds, memory=bounds.memory // 2), WholeTypes()
    stream = stream_of_rows(replace(tables, bounds=half), usecase, schema, known, only, types, keeps)
    return kept_rows(half, stream, schema.key, types)


def stream_of_rows(
    tables: Tables,
    usecase: str,
    schema: Schema,
    known: Known,
    only: Sequence[str],
    types: WholeTypes,
    keeps: Callable[[pa.Table], pa.Array] | None = None,
) -> Stream:
    """As `read_rows` of some batches, in no order. types: see all parts. keeps: as of `rows_on_disk`."""
    parts = read_parts(tables, usecase, schema, known, only=tuple(only))
    first = next(parts)

    def kept() -> Iterator[pa.Table]:
        for part in parts:
            types.see(part)
            yield part if keeps is None else part.filter(keeps(part))

    return Stream(first.schema, kept())


def bounds_on_disk(tables: Tables, known: Known, only: Sequence[str]) -> Bounds | None:
    """The bounds of the accepted rows of some batches; None if they are few enough to be in memory as a whole."""
    accepted = sum(batch.rows.accepted for batch in known.named(only))
    return tables.bounds if tables.bounds is not None and accepted > tables.bounds.rows else None
