"""A source of files: each a batch as it is, or all of them together cut by the time column.

The newest window of cut files may be incomplete, since files say nothing about what is still to come: it is given
like the others, and when more of its rows have arrived it is given again with other bytes, a revision.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from perennial.errors import InputError, TransientError
from perennial.sources.delimited import UnreadableBatch, header_of, lines_of, text_table
from perennial.sources.epochs import epoch_hint
from perennial.sources.opened import closed, other_format
from perennial.sources.parsing import matched, read_timestamps
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.suffix import Suffix
from perennial.sources.window import Arrival, Cut, Source, Window, window_names, window_of
from perennial.sources.written import Written, written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from perennial.sources.config import FilesSource

TABLES: dict[str, Suffix] = {
    **{f".csv{packed}": ".csv" for packed in ("", ".gz", ".zst", ".zip")},
    **{f".tsv{packed}": ".csv" for packed in ("", ".gz", ".zst", ".zip")},
    ".parquet": ".parquet",
}
"""How files end that are batches wherever they lie, and what they are."""
OTHERS: dict[str, Suffix] = {".txt": ".csv", ".txt.gz": ".csv", ".gz": ".csv", ".zst": ".csv", ".zip": ".csv"}
"""How files end that are batches where they are named themselves, or nothing of `TABLES` lies beside them."""
MOST_UNREADABLE = 0.01
"""The share of a file's rows that may lack a readable time: more, and the column is not what the declaration says."""


def open_files(config: FilesSource, *, folder: Path, schema_time: str, timezone: str) -> Source:
    """The source of a file or folder; a relative path starts at `folder`. Nothing is read yet."""
    path = folder / config.path
    if config.batch == "file":
        return WholeFiles(path)
    return CutFiles(path, config.batch, schema_time, timezone, config.read)


@dataclass(frozen=True)
class WholeFiles:
    """Each file is a batch named by its stem, its bytes as they are. field: which of the declaration names the path."""

    path: Path
    field: str = "source.path"

    def windows(self) -> list[Window]:
        """One window a file, month_2 before month_10. Raises InputError where there are none or two of one stem."""
        return [Window(None, None, stem) for stem in self._by_stem()]

    def fetch(self, window: Window) -> Arrival:
        """The file's bytes. Raises InputError for an unknown window, TransientError where reading may succeed later."""
        found = self._by_stem()
        if window.name not in found:
            raise _no_window(window, list(found), self.path)
        path = found[window.name]
        return Arrival(window, _bytes(path), suffix_of(path))

    def _by_stem(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in files_in(self.path, self.field):
            stem = path.name[: len(path.name) - len(_ending(path))]
            if stem in found:
                raise InputError(
                    f"{path}: {found[stem].name} is there too, and a file's stem names its batch\n  rename one"
                )
            found[stem] = path
        return found


@dataclass(frozen=True)
class _Piece:
    """The rows of one file that lie in one window: lines of CSV under their header, or a table."""

    path: Path
    columns: tuple[str, ...]
    header: bytes
    rows: Any


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
            raise _no_window(window, sorted(self._pieces()), self.path)
        suffix = suffix_of(pieces[0].path)
        data = closed(_joined_csv(pieces), self.read) if suffix == ".csv" else _joined_parquet(pieces)
        return Arrival(window, data, suffix)

    def _pieces(self) -> dict[str, list[_Piece]]:
        paths = files_in(self.path)
        if len({suffix_of(path) for path in paths}) > 1:
            raise InputError(
                f"{self.path}: CSV and Parquet files lie together, which cannot be cut into one batch\n"
                "  write them in one format, or use `batch: file`"
            )
        states = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
        return _all_pieces(states, self.cut, self.time, self.timezone, self.read.model_dump_json())


@lru_cache(maxsize=1)
def _all_pieces(
    states: tuple[tuple[Path, int, int], ...], cut: Cut, time: str, timezone: str, options: str
) -> dict[str, list[_Piece]]:
    """The pieces of every window by its name.

    states: each file with size and time of change, so that none is stale. options: `ReadOptions` as JSON.
    """
    read = ReadOptions.model_validate_json(options)
    found: dict[str, list[_Piece]] = defaultdict(list)
    for path, _, _ in states:
        data = _bytes(path)
        try:
            is_csv = suffix_of(path) == ".csv"
            columns, times, header, rows = _csv(data, time, read) if is_csv else _parquet(data, time)
        except UnreadableBatch as problem:
            raise InputError(f"{path}: {problem}") from problem
        how = written(time, read)
        names = window_names(_instants(times, time, timezone, path, how), cut, ZoneInfo(timezone))
        for name, places in names.groupby(names).indices.items():
            part = b"".join(rows[i] for i in places) if isinstance(rows, list) else rows.take(places)
            found[str(name)].append(_Piece(path, columns, header, part))
    return dict(found)


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
    raise InputError(f"{path}: {lost} of {len(instants)} rows have no readable time in '{time}'; {first}\n  {way_out}")


def files_in(path: Path, field: str = "source.path") -> list[Path]:
    """The files of a folder that are tables, month_2 before month_10, or the one file. Hidden files do not count.

    Of a folder those of `TABLES`; where there are none, those of `OTHERS`.
    Raises InputError where there are none.
    """
    if path.is_file():
        if _ending(path) not in {**TABLES, **OTHERS}:
            with path.open("rb") as file:
                start = file.read(400)
            what, fix = other_format(start) or ("neither .csv nor .parquet", "convert it, or rename it if it is one")
            raise InputError(f"{path}: is {what}", code="file-of-another-format", value=str(path), fix=fix)
        return [path]
    if not path.is_dir():
        raise InputError(f"{field}: there is no {path}\n  a relative path starts at the declaration's folder")
    there = [each for each in path.iterdir() if each.is_file() and each.name[0] not in "._"]
    found = [each for each in there if _ending(each) in TABLES] or [each for each in there if _ending(each) in OTHERS]
    if not found:
        raise InputError(f"{field}: no .csv and no .parquet file in {path}\n  put one there, or correct the path")
    return sorted(found, key=_natural)


def _ending(path: Path) -> str:
    """The end of a file's name by which its kind is known, the longest that is known."""
    name = path.name.lower()
    return max((each for each in (*TABLES, *OTHERS) if name.endswith(each)), key=len, default=path.suffix.lower())


def suffix_of(path: Path) -> Suffix:
    """What a file of `files_in` is."""
    return {**TABLES, **OTHERS}[_ending(path)]


def _natural(path: Path) -> tuple[list[tuple[str, int]], str]:
    """The order of names as people count: month_2 before month_10."""
    parts = re.findall(r"(\D*)(\d*)", path.name)
    return [(text, int(number or -1)) for text, number in parts], path.name


def _csv(data: bytes, time: str, read: ReadOptions) -> tuple[tuple[str, ...], pa.ChunkedArray, bytes, list[bytes]]:
    """A CSV's columns, its time column, its header, and each row's line."""
    columns, delimiter = header_of(data, read)
    actual = _has_time(columns, time)
    times = text_table(data, nulls=True, columns=[actual], read=read)[actual]
    header, *rows = lines_of(data, read)
    if len(rows) != len(times):
        raise UnreadableBatch(
            f"its {len(rows)} lines are not its {len(times)} rows: a quote is not closed\n"
            "  correct it, or use `batch: file`"
        )
    return (delimiter, *columns), times, header, rows


def _parquet(data: bytes, time: str) -> tuple[tuple[str, ...], pa.ChunkedArray, bytes, pa.Table]:
    """A Parquet file's columns, its time column, no header, and all of it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as problem:
        reason = str(problem).splitlines()[0]
        raise UnreadableBatch(f"cannot be read as Parquet: {reason}\n  was it cut short? Write it again") from problem
    return tuple(sorted(table.column_names)), table[_has_time(table.column_names, time)], b"", table


def _has_time(columns: list[str], time: str) -> str:
    """The time column's name in the file."""
    found = matched(columns, [time])
    if time not in found:
        raise UnreadableBatch(
            f"there is no time column '{time}'\n  it has {', '.join(columns[:12])}{', …' if len(columns) > 12 else ''}"
        )
    return found[time]


def _same_columns(pieces: list[_Piece]) -> None:
    first = pieces[0]
    for other in pieces[1:]:
        if other.columns == first.columns:
            continue
        differ = sorted(set(first.columns) ^ set(other.columns))
        what = f"they differ in {', '.join(map(repr, differ))}" if differ else "they stand in another order"
        raise InputError(
            f"{other.path}: other columns than {first.path.name}, and both have rows of one window; {what}\n"
            "  write both alike, or use `batch: file`"
        )


def _joined_csv(pieces: list[_Piece]) -> bytes:
    _same_columns(pieces)
    return pieces[0].header + b"".join(piece.rows for piece in pieces)


def _joined_parquet(pieces: list[_Piece]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _same_columns(pieces)
    order = pieces[0].rows.column_names
    try:
        table = pa.concat_tables([piece.rows.select(order) for piece in pieces], promote_options="permissive")
    except pa.ArrowException as problem:
        paths = ", ".join(piece.path.name for piece in pieces)
        reason = str(problem).splitlines()[0]
        raise InputError(f"{paths}: columns of one name have other types: {reason}\n  write them alike") from problem
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), out)
    return out.getvalue()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, PermissionError) as problem:
        raise InputError(f"{path}: cannot be read: {problem.strerror}") from problem
    except OSError as problem:
        raise TransientError(f"{path}: cannot be read now: {problem.strerror}") from problem


def _no_window(window: Window, known: list[str], path: Path) -> InputError:
    span = f"windows go from {known[0]} to {known[-1]}" if known else "there are none yet"
    return InputError(f"no batch '{window.name}' in {path}\n  {span}")
