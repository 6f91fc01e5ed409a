"""Files together, cut into batches by the time column.

The newest window of cut files may be incomplete, since files say nothing about what is still to come: it is given
like the others, and when more of its rows have arrived it is given again with other bytes, a revision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from perennial.errors import InputError
from perennial.sources.day_order import BothOrders, Stretch, both_orders, spread_is_other
from perennial.sources.delimited import UnreadableBatch
from perennial.sources.file_bytes import bytes_of
from perennial.sources.file_to_cut import file_to_cut
from perennial.sources.joined import Piece, joined_csv, joined_parquet
from perennial.sources.opened import closed
from perennial.sources.partitions import partitions_of
from perennial.sources.paths import files_in, no_window, suffix_of
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.row_times import OTHER_ORDER, row_times
from perennial.sources.window import Arrival, Cut, Window, window_names, window_of
from perennial.sources.written import written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class CutFiles:
    """All files together, cut into years, months, weeks, days or hours by the time column. No value is altered.

    only: a column, and the text that the rows of this source have in it; None for all rows. Sources of the same files
    that differ in the text alone share one reading of them.
    """

    path: Path
    cut: Cut
    time: str
    timezone: str
    read: ReadOptions = PLAIN
    only: tuple[str, str] | None = None

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

    def others(self, texts: Collection[str]) -> list[Others]:
        """The rows whose text in the column of `only` is none of these, in order. Raises as `windows`."""
        counts = self._cut().counts.items()
        return [Others(text, window, rows) for (text, window), rows in sorted(counts) if text not in texts]

    def _pieces(self) -> Mapping[str, list[Piece]]:
        return self._cut().pieces.get(self.only[1] if self.only else "", {})

    def _cut(self) -> _AllPieces:
        paths = files_in(self.path)
        if len({suffix_of(path) for path in paths}) > 1:
            raise InputError(
                f"{self.path}: CSV and Parquet files lie together, which cannot be cut into one batch\n"
                "  write them in one format, or use `batch: file`"
            )
        states = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
        by, options = self.only[0] if self.only else None, self.read.model_dump_json()
        return _all_pieces(states, self.path, self.cut, self.time, self.timezone, options, by)


@dataclass(frozen=True)
class Others:
    """So many rows of a window have a text that no use case reads."""

    text: str
    window: str
    rows: int


@dataclass(frozen=True)
class _AllPieces:
    """pieces: text → window → the pieces with these rows. counts: (text, window) → rows.

    The text is that of the column by which files are shared, empty without one.
    """

    pieces: Mapping[str, Mapping[str, list[Piece]]]
    counts: Mapping[tuple[str, str], int]


@lru_cache(maxsize=1)
def _all_pieces(
    states: tuple[tuple[Path, int, int], ...],
    root: Path,
    cut: Cut,
    time: str,
    timezone: str,
    options: str,
    by: str | None,
) -> _AllPieces:
    """The pieces of every window by its name.

    states: each file below `root` with size and time of change, so that none is stale. options: `ReadOptions` as JSON.
    by: the column by which files are shared.
    """
    read = ReadOptions.model_validate_json(options)
    pieces: dict[str, dict[str, list[Piece]]] = defaultdict(lambda: defaultdict(list))
    counts: dict[tuple[str, str], int] = defaultdict(int)
    seen: list[Path] = []
    stretches: dict[Path, Stretch] = {}
    orders: dict[Path, BothOrders] = {}
    for path, _, _ in states:
        data = bytes_of(path)
        try:
            folders = partitions_of(path, root)
            file = file_to_cut(data, suffix_of(path), time, read, folders, by)
        except UnreadableBatch as problem:
            raise InputError(f"{path}: {problem}{_as_the_others(problem, seen)}") from problem
        seen.append(path)
        how = written(time, read)
        instants = row_times(file.times, time, timezone, path, how)
        if len(instants) and instants.notna().any():
            stretches[path] = instants.min().to_pydatetime(), instants.max().to_pydatetime()
        if (both := both_orders(file.times, timezone, how)) is not None:
            orders[path] = both
        names = window_names(instants, cut, ZoneInfo(timezone))
        for text, name, places in _groups(names, file.texts):
            piece = Piece(path, file.columns, file.delimiter, file.header, file.part(places))
            pieces[text][name].append(piece)
            counts[text, name] += len(places)
    for path, both in orders.items():
        if spread_is_other(both, [stretch for other, stretch in stretches.items() if other != path]):
            raise InputError(f"{path}: {both.words}, unlike the other files\n  {OTHER_ORDER}")
    return _AllPieces(pieces, counts)


def _groups(names: pd.Series, shared_by: pa.ChunkedArray | None) -> Iterator[tuple[str, str, Any]]:
    """Text, window, and the places of the rows with both. names: the window of each row.

    shared_by: the values of the column by which files are shared, an empty text where there is none.
    """
    import pandas as pd

    if shared_by is None:
        yield from (("", str(name), places) for name, places in names.groupby(names).indices.items())
        return
    texts = pd.Series(["" if each is None else str(each) for each in shared_by.to_pylist()], index=names.index)
    for (text, name), places in names.groupby([texts, names]).indices.items():
        yield str(text), str(name), places


def _as_the_others(problem: UnreadableBatch, seen: Sequence[Path]) -> str:
    """What to add for a file that cannot be read with the options that earlier files were read with."""
    if not seen or "source.read" not in str(problem):
        return ""
    read = seen[0].name
    return f"\n  source.read applies to all files, and {read} was read with it: better write this file like that one"
