"""DuckDB with a limit on its memory: larger joins and sorts continue in files, in a folder of the home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.errors import TerminalError
from perennial.settings import ROWS_IN_MEMORY, takes_writes
from perennial.store.stream import Stream, literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class OutOfMemory(TerminalError):
    """A join or a sort needs more memory than it may use, even with files beside it. Nothing was written."""

    code = "out-of-memory"


@dataclass(frozen=True)
class Bounds:
    """memory: bytes that a join or a sort may use. spill: the folder of the files that it continues in.

    DuckDB makes the folder when it is needed, and removes the files that a killed process left.
    rows: so many accepted rows are read into memory as a whole; more are kept in such a file.
    """

    memory: int
    spill: Path
    rows: int = ROWS_IN_MEMORY


@contextmanager
def connected(bounds: Bounds | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC. Of a join, the right side is kept in memory, as the query has it.

    bounds: None for DuckDB's own. In a home that cannot be written, the memory is all there is. Raises OutOfMemory.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # A stream does not reveal how many rows it has, so DuckDB would choose the side by a guess.
        connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        connection.execute("SET preserve_insertion_order = false")
        if bounds is not None:
            place = str(bounds.spill) if takes_writes(bounds.spill.parent) else ""
            connection.execute(f"SET memory_limit = '{bounds.memory // 1024}KiB'")
            connection.execute(f"SET temp_directory = {literal(place)}")
        try:
            yield connection
        except duckdb.OutOfMemoryException as error:
            raise OutOfMemory(
                f"the rows do not fit into the memory that joins and sorts may use: {str(error).splitlines()[0]}",
                fix="set PERENNIAL_MEMORY to more, such as 8GiB, or free space on the disk of PERENNIAL_HOME",
            ) from error


@contextmanager
def joining(bounds: Bounds | None, **streams: Stream | pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection within the bounds that has streams and tables under these names; each stream is read once.

    Raises the error of a stream that cannot be read to its end; OutOfMemory.
    """
    import duckdb

    failed: list[Exception] = []
    with connected(bounds) as connection:
        for name, stream in streams.items():
            connection.register(name, stream.reader(failed) if isinstance(stream, Stream) else stream)
        try:
            yield connection
        except duckdb.Error as error:
            if failed:
                raise failed[0] from error
            raise
