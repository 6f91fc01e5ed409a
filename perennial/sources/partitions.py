"""Folders named like `year=2024/month=1`: what their names have is a column of the files in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    import pyarrow as pa

_NOTHING = "__HIVE_DEFAULT_PARTITION__"


def partitioned_files(root: Path) -> list[Path]:
    """The files in folders below `root` whose names are all `column=value`; none where there is no such folder."""
    files: list[Path] = []
    for folder in root.iterdir():
        if folder.is_dir() and "=" in folder.name and folder.name[0] not in "._":
            files += [each for each in folder.iterdir() if each.is_file() and each.name[0] not in "._"]
            files += partitioned_files(folder)
    return files


def partitions_of(path: Path, root: Path) -> dict[str, str]:
    """Column → value, as text, of the folders that a file lies in below `root`; empty text for no value.

    >>> partitions_of(Path("data/year=2024/month=1/part-0.parquet"), Path("data"))
    {'year': '2024', 'month': '1'}
    """
    if not path.is_relative_to(root):
        return {}
    pairs = [part.partition("=") for part in path.relative_to(root).parts[:-1]]
    return {unquote(name): "" if value == _NOTHING else unquote(value) for name, _, value in pairs}


def with_partitions(table: pa.Table, values: Mapping[str, str]) -> pa.Table:
    """A table with a column of text for each folder; a column that the file has itself stays."""
    import pyarrow as pa

    for name, value in values.items():
        if name not in table.column_names:
            column = pa.array([value or None], pa.string()).take(pa.array([0] * table.num_rows, pa.int64()))
            table = table.append_column(name, column)
    return table


def lines_with(lines: list[bytes], delimiter: str, columns: list[str], values: Mapping[str, str]) -> list[bytes]:
    """The lines of a CSV, header first, with the same columns behind their own."""
    more = [(name, value) for name, value in values.items() if name not in columns]
    if not more:
        return lines
    head = "".join(f"{delimiter}{_quoted(name, delimiter)}" for name, _ in more).encode() + b"\n"
    rest = "".join(f"{delimiter}{_quoted(value, delimiter)}" for _, value in more).encode() + b"\n"
    return [line.rstrip(b"\r\n") + (rest if place else head) for place, line in enumerate(lines)]


def _quoted(text: str, delimiter: str) -> str:
    return '"' + text.replace('"', '""') + '"' if delimiter in text or '"' in text else text
