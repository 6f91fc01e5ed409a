"""Rows on disk, in key order, of which a column or a part of the rows is in memory at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, TYPE_CHECKING, overload

import numpy as np

from perennial.fault_points import full_disk
from perennial.sources.parquet_file import evenly, scratch_writer, unheld
from perennial.store.bounded import Bounds, joining
from perennial.store.filed_array import filed
from perennial.store.rows import frame_of
from perennial.store.stream import Stream, listed
from perennial.store.whole_types import WholeTypes

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

PART = 2**17
"""Rows that are written at a time."""


@dataclass(frozen=True)
class StoredRows:
    """Parquet files whose rows are in key order, one file after another. A column is read as from a frame.

    bounds: of what a fit makes of the rows, such as another order. types: of the rows that they were taken from.
    """

    files: tuple[pq.ParquetFile, ...]
    bounds: Bounds
    types: WholeTypes = field(default_factory=WholeTypes)

    def __len__(self) -> int:
        return sum(file.metadata.num_rows for file in self.files)

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.files[0].schema_arrow.names)

    @overload
    def __getitem__(self, asked: str) -> pd.Series: ...

    @overload
    def __getitem__(self, asked: list[str]) -> pd.DataFrame: ...

    def __getitem__(self, asked: str | list[str]) -> pd.Series | pd.DataFrame:
        import pyarrow as pa

        pa.default_memory_pool().release_unused()  # what the columns before left behind
        names = [asked] if isinstance(asked, str) else asked
        frame = frame_of(pa.concat_tables([file.read(names, use_threads=False) for file in self.files]))
        return self.types.typed(frame)[asked]

    def parts(self, rows: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """All rows in tables of so many, but for the last one. columns: all if None."""
        import pyarrow as pa

        batches = (file.iter_batches(rows, columns=columns, use_threads=False) for file in self.files)
        yield from evenly(map(pa.table, chain.from_iterable(batches)), rows)

    def stream(self, columns: Sequence[str] | None = None) -> Stream:
        """All rows, as a query reads them. columns: all if None."""
        import pyarrow as pa

        parts, whole = self.parts(PART, columns), self.files[0].schema_arrow
        return Stream(whole if columns is None else pa.schema([whole.field(name) for name in columns]), parts)

    def column_parts(self, name: str) -> Iterator[pd.Series]:
        """A column, part by part."""
        return (part[name] for part in self.frames([name]))

    def frames(self, columns: Sequence[str] | None = None, rows: int | None = None) -> Iterator[pd.DataFrame]:
        """All rows in frames of so many, `PART` if None, but for the last one, with the types of all rows together."""
        for part in self.parts(rows or PART, columns):
            yield self.types.typed(frame_of(part))

    def frames_at(
        self, places: np.ndarray, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
        """The rows at some places, in frames: which of the places each has, and these rows in that order.

        Of the file, only groups of rows are read in which there are some.
        """
        order, start = np.argsort(places, kind="stable"), 0
        ordered = places[order]
        for file in self.files:
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                inside = order[slice(*np.searchsorted(ordered, [start, end]))]
                if inside.size:
                    part = self.types.typed(frame_of(file.read_row_group(group, columns, use_threads=False)))
                    yield inside, part.iloc[places[inside] - start]
                start = end


def parts_of(
    rows: pd.DataFrame | StoredRows, columns: list[str] | None = None, size: int | None = None
) -> Iterator[pd.DataFrame]:
    """The rows part by part, one that is empty if there are none. Those in memory are one part unless a size is given.

    columns: that are read from disk, all if None; a frame keeps the others too. size: how many rows a part has.
    """
    if isinstance(rows, StoredRows):
        return rows.frames(columns, size) if len(rows) else iter([rows[columns or rows.columns]])
    if size is None:
        return iter([rows])
    return (rows[at : at + size] for at in range(0, max(len(rows), 1), size))


def in_memory(rows: pd.DataFrame | StoredRows) -> pd.DataFrame:
    """All rows, wherever they are."""
    return rows[rows.columns] if isinstance(rows, StoredRows) else rows


def rows_at(rows: pd.DataFrame | StoredRows, places: np.ndarray, columns: list[str]) -> pd.DataFrame:
    """Some columns of the rows at some places, in their order."""
    import pandas as pd

    if not isinstance(rows, StoredRows):
        return rows[columns].iloc[places].reset_index(drop=True)
    if not places.size:
        return next(parts_of(rows, columns)).head(0)
    parts = [part[columns].set_axis(inside) for inside, part in rows.frames_at(places, columns)]
    return pd.concat(parts).sort_index().reset_index(drop=True)


def together(rows: pd.DataFrame | StoredRows, parts: Iterable[np.ndarray]) -> np.ndarray:
    """What was made of the parts, as one array; of rows on disk, on disk too."""
    return filed(rows.bounds.spill, parts) if isinstance(rows, StoredRows) else np.concatenate(list(parts))


@contextmanager
def stored_rows(bounds: Bounds, rows: Stream, order: Sequence[str]) -> Iterator[StoredRows]:
    """Rows sorted by some columns, in a file until the end of the block.

    That file has no name, so that nothing is left of it, even of a killed process. Raises OutOfMemory, DiskFull, and
    the error of rows that cannot be read to their end.
    """
    bounds.spill.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=bounds.spill) as scratch:
        yield _sorted_in(scratch, bounds, rows, order, WholeTypes())


def kept_rows(bounds: Bounds, rows: Stream, order: Sequence[str], types: WholeTypes) -> StoredRows:
    """The same, in a file that lasts as long as something refers to the rows. types: see all parts as they are read."""
    bounds.spill.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.TemporaryFile(dir=bounds.spill)  # noqa: SIM115
    return _sorted_in(scratch, bounds, rows, order, types)


def _sorted_in(scratch: IO[bytes], bounds: Bounds, rows: Stream, order: Sequence[str], types: WholeTypes) -> StoredRows:
    with full_disk("a sorted copy of the rows"), joining(bounds, arriving=rows) as connection:
        ordered = connection.sql(f"SELECT * FROM arriving ORDER BY {listed(order)}").to_arrow_reader(PART)
        with scratch_writer(scratch, ordered.schema) as writer:
            for part in ordered:
                writer.write_batch(part, row_group_size=PART)
    scratch.seek(0)
    return StoredRows((unheld(scratch),), bounds, types)


def query_stream(bounds: Bounds, query: str, **streams: Stream | pa.Table) -> Stream:
    """The result of a query over streams and tables, which it calls by these names, in parts of at most `PART` rows.

    Raises as `joining`, at once and as the parts are read.
    """
    import pyarrow as pa

    def tables() -> Iterator[pa.Table]:
        with joining(bounds, **streams) as connection:
            result = connection.sql(query).to_arrow_reader(PART)
            yield result.schema.empty_table()
            yield from map(pa.table, result)

    parts = tables()
    return Stream(next(parts).schema, parts)
