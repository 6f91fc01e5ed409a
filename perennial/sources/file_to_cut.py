"""One of several files that are cut into batches together: its columns, the times of its rows, and the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.sources.delimited import UnreadableBatch, header_of, lines_of, text_table
from perennial.sources.partitions import lines_with, with_partitions
from perennial.sources.read_options import ReadOptions
from perennial.sources.reading import matched
from perennial.sources.suffix import Suffix
from perennial.sources.workbook import sheet_table

if TYPE_CHECKING:
    import pyarrow as pa

_TIME = "there is no time column '{}'"
_SHARED = "there is no column '{}', which source.only names"


@dataclass(frozen=True)
class FileToCut:
    """times: as they are written. texts: of the column by which files are shared, None without one.

    rows: the lines of a CSV, whose delimiter and header are given too; a table otherwise.
    """

    columns: tuple[str, ...]
    times: pa.ChunkedArray
    texts: pa.ChunkedArray | None
    rows: list[bytes] | pa.Table
    delimiter: str = ""
    header: bytes = b""

    def part(self, places: Any) -> Any:
        """The rows at these places: the lines of a CSV as bytes, or a table."""
        return b"".join(self.rows[i] for i in places) if isinstance(self.rows, list) else self.rows.take(places)


def file_to_cut(
    data: bytes, suffix: Suffix, time: str, read: ReadOptions, folders: dict[str, str], by: str | None
) -> FileToCut:
    """Read a file. time: its time column. folders: the values in the names of its folders. by: what files share.

    Raises UnreadableBatch for bytes that are not a table as `read` describes it, or without one of these columns.
    """
    if suffix == ".csv":
        return _of_csv(data, time, read, folders, by)
    table = with_partitions(_table(data, suffix, read), folders)
    times = table[_column(table.column_names, time, _TIME)]
    texts = table[_column(table.column_names, by, _SHARED)] if by else None
    return FileToCut(tuple(sorted(table.column_names)), times, texts, table)


def _of_csv(data: bytes, time: str, read: ReadOptions, folders: dict[str, str], by: str | None) -> FileToCut:
    columns, delimiter = header_of(data, read)
    header, *rows = lines_with(lines_of(data, read), delimiter, columns, folders)
    columns = [*columns, *(name for name in folders if name not in columns)]
    actual = _column(columns, time, _TIME)
    shared = _column(columns, by, _SHARED) if by else None
    read_from = _own([actual, *([shared] if shared else [])], folders)
    table = with_partitions(text_table(data, nulls=True, columns=read_from, read=read), folders)
    times = table[actual]
    if len(rows) != len(times):
        raise UnreadableBatch(
            f"its {len(rows)} lines are not its {len(times)} rows: a quote is not closed\n"
            "  correct it, or use `batch: file`"
        )
    return FileToCut(tuple(columns), times, table[shared] if shared else None, rows, delimiter, header)


def _own(columns: list[str], folders: dict[str, str]) -> list[str] | None:
    """Those of the columns that are read from a file; None for all, if the names of folders have each of these."""
    return [name for name in columns if name not in folders] or None


def _table(data: bytes, suffix: Suffix, read: ReadOptions) -> pa.Table:
    """A Parquet file or a workbook."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if suffix == ".xlsx":
        return sheet_table(data, read)
    try:
        return pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as problem:
        reason = str(problem).splitlines()[0]
        raise UnreadableBatch(f"cannot be read as Parquet: {reason}\n  was it cut short? Write it again") from problem


def _column(columns: Sequence[str], name: str, missing: str) -> str:
    """The name of a column in the file. missing: what is wrong without it."""
    actual = matched(list(columns), [name])
    if name not in actual:
        more = ", …" if len(columns) > 12 else ""
        raise UnreadableBatch(f"{missing.format(name)}\n  it has {', '.join(columns[:12])}{more}")
    return actual[name]
