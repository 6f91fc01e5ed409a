"""Files together, cut into batches by the time column.

The newest window of cut files may be incomplete, since files say nothing about what is still to come: it is given
like the others, and when more of its rows have arrived it is given again with other bytes, a revision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from perennial.errors import InputError
from perennial.sources.day_order import BothOrders, Stretch, both_orders, spread_is_other
from perennial.sources.delimited import UnreadableBatch, header_of, lines_of, text_table
from perennial.sources.epochs import epoch_hint
from perennial.sources.file_bytes import bytes_of
from perennial.sources.joined import Piece, joined_csv, joined_parquet
from perennial.sources.opened import closed
from perennial.sources.partitions import lines_with, partitions_of, with_partitions
from perennial.sources.paths import files_in, no_window, suffix_of
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.reading import matched
from perennial.sources.suffix import Suffix
from perennial.sources.typed_column import read_timestamps
from perennial.sources.window import Arrival, Cut, Window, window_names, window_of
from perennial.sources.workbook import sheet_table
from perennial.sources.written import Written, written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_OTHER_ORDER = "source.read applies to all files: write this one like the others, or its dates as 2024-12-31"
MOST_UNREADABLE = 0.01
"""The share of a file's rows that may lack a readable time: more, and the column is not the one that was meant."""


@dataclass(frozen=True)
class CutFiles:
    """All files together, cut into years, months, weeks, days or hours by the time column. No value is altered."""

    path: Path
    cut: Cut
    time: str
    timezone: str
    read: ReadOptions = PLAIN

    def windows(self) -> list[Window]:
        """Every window that has rows, oldest first; the newest may be incomplete.

        Raises InputError for files that cannot be read and for rows without a readable time,
        TransientError where reading may succeed later.
        """
        return sorted(window_of(name, self.cut, ZoneInfo(self.timezone)) for name in self._pieces())

    def fetch(self, window: Window) -> Arrival:
        """The window's rows, in the order of the files' names and of their rows.

        Raises InputError for an unknown window and for files whose columns differ within it, else as `windows`.
        """
        pieces = self._pieces().get(window.name)
        if pieces is None:
            raise no_window(window, sorted(self._pieces()), self.path)
        if suffix_of(pieces[0].path) == ".csv":
            return Arrival(window, closed(joined_csv(pieces, self.read.quote), self.read), ".csv")
        return Arrival(window, joined_parquet(pieces), ".parquet")

    def _pieces(self) -> dict[str, list[Piece]]:
        paths = files_in(self.path)
        if len({suffix_of(path) for path in paths}) > 1:
            raise InputError(
                f"{self.path}: CSV and Parquet files lie together, which cannot be cut into one batch\n"
                "  write them in one format, or use `batch: file`"
            )
        states = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
        return _all_pieces(states, self.path, self.cut, self.time, self.timezone, self.read.model_dump_json())


@lru_cache(maxsize=1)
def _all_pieces(
    states: tuple[tuple[Path, int, int], ...], root: Path, cut: Cut, time: str, timezone: str, options: str
) -> dict[str, list[Piece]]:
    """The pieces of every window by its name.

    states: each file below `root` with size and time of change, so that none is stale. options: `ReadOptions` as JSON.
    """
    read = ReadOptions.model_validate_json(options)
    pieces: dict[str, list[Piece]] = defaultdict(list)
    stretches: dict[Path, Stretch] = {}
    orders: dict[Path, BothOrders] = {}
    for path, _, _ in states:
        data = bytes_of(path)
        try:
            folders = partitions_of(path, root)
            if suffix_of(path) == ".csv":
                columns, delimiter, times, header, rows = _csv(data, time, read, folders)
            else:
                table = with_partitions(_table(data, suffix_of(path), read), folders)
                columns, times = _columns_and_times(table, time)
                delimiter, header, rows = "", b"", table
        except UnreadableBatch as problem:
            raise InputError(f"{path}: {problem}{_as_the_others(problem, pieces)}") from problem
        how = written(time, read)
        instants = _instants(times, time, timezone, path, how)
        if len(instants) and instants.notna().any():
            stretches[path] = instants.min().to_pydatetime(), instants.max().to_pydatetime()
        if (both := both_orders(times, timezone, how)) is not None:
            orders[path] = both
        names = window_names(instants, cut, ZoneInfo(timezone))
        for name, places in names.groupby(names).indices.items():
            part = b"".join(rows[i] for i in places) if isinstance(rows, list) else rows.take(places)
            pieces[str(name)].append(Piece(path, columns, delimiter, header, part))
    for path, both in orders.items():
        if spread_is_other(both, [stretch for other, stretch in stretches.items() if other != path]):
            raise InputError(f"{path}: {both.words}, unlike the other files\n  {_OTHER_ORDER}")
    return dict(pieces)


def _as_the_others(problem: UnreadableBatch, pieces: Mapping[str, Sequence[Piece]]) -> str:
    """What to add for a file that cannot be read with the options that earlier files were read with."""
    read = next((each[0].path.name for each in pieces.values()), None)
    if read is None or "source.read" not in str(problem):
        return ""
    return f"\n  source.read applies to all files, and {read} was read with it: better write this file like that one"


def _instants(times: pa.ChunkedArray, time: str, timezone: str, path: Path, how: Written) -> pd.Series:
    """The time of each row. A single row without one goes with the row before it, and is set aside in that batch."""
    instants, bad = read_timestamps(times, timezone, how)
    lost = int(instants.isna().sum())
    skipped = read_timestamps(times, "UTC", how)[0].notna() & bad.notna() if lost else bad.notna()
    if lost <= MOST_UNREADABLE * len(instants) and not skipped.any():
        return instants.ffill().bfill()
    way_out = "correct them, or use `batch: file`, where such rows are set aside with the reason"
    first = "they are empty"
    if bad.notna().any():
        first = f"the first is {bad.dropna().iloc[0]!r}{epoch_hint(bad.dropna().iloc[0])}"
        if skipped[bad.notna()].iloc[0]:
            first += f", an hour that the clocks of {timezone} skip"
            way_out = f"is the data in UTC? Then write `timezone: UTC` under schema; else {way_out}"
    both = both_orders(times, timezone, how)
    if both is not None:
        first, way_out = both.words, f"{_OTHER_ORDER}; if all are written so, correct source.read"
    raise InputError(f"{path}: {lost} of {len(instants)} rows have no readable time in '{time}'; {first}\n  {way_out}")


def _csv(
    data: bytes, time: str, read: ReadOptions, folders: dict[str, str]
) -> tuple[tuple[str, ...], str, pa.ChunkedArray, bytes, list[bytes]]:
    """A CSV's columns, its delimiter, its time column, its header, and each row's line."""
    columns, delimiter = header_of(data, read)
    header, *rows = lines_with(lines_of(data, read), delimiter, columns, folders)
    columns = [*columns, *(name for name in folders if name not in columns)]
    actual = _has_time(columns, time)
    times = with_partitions(text_table(data, nulls=True, columns=_own(actual, folders), read=read), folders)[actual]
    if len(rows) != len(times):
        raise UnreadableBatch(
            f"its {len(rows)} lines are not its {len(times)} rows: a quote is not closed\n"
            "  correct it, or use `batch: file`"
        )
    return tuple(columns), delimiter, times, header, rows


def _own(time: str, folders: dict[str, str]) -> list[str] | None:
    """The columns to read of a file for its times; None for all, where a folder's name has them."""
    return None if time in folders else [time]


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


def _columns_and_times(table: pa.Table, time: str) -> tuple[tuple[str, ...], pa.ChunkedArray]:
    return tuple(sorted(table.column_names)), table[_has_time(table.column_names, time)]


def _has_time(columns: list[str], time: str) -> str:
    """The time column's name in the file."""
    actual = matched(columns, [time])
    if time not in actual:
        raise UnreadableBatch(
            f"there is no time column '{time}'\n  it has {', '.join(columns[:12])}{', …' if len(columns) > 12 else ''}"
        )
    return actual[time]
