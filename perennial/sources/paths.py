"""The files of a source: which lie in a folder, what they are, and their bytes."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from perennial.errors import InputError
from perennial.sources.opened import other_format
from perennial.sources.partitions import partitioned_files
from perennial.sources.suffix import Suffix
from perennial.sources.window import Window

TABLES: dict[str, Suffix] = {
    **{f".csv{packed}": ".csv" for packed in ("", ".gz", ".zst", ".zip")},
    **{f".tsv{packed}": ".csv" for packed in ("", ".gz", ".zst", ".zip")},
    ".parquet": ".parquet",
}
"""How files end that are batches wherever they lie, and what they are."""
OTHERS: dict[str, Suffix] = {
    ".xlsx": ".xlsx",
    ".txt": ".csv",
    ".txt.gz": ".csv",
    ".gz": ".csv",
    ".zst": ".csv",
    ".zip": ".csv",
}
"""How files end that are batches where they are named themselves, or nothing of `TABLES` lies beside them."""
_KINDS = TABLES | OTHERS
_NUMBERS = re.compile(r"(\d+)")


def files_in(path: Path, field: str = "source.path") -> list[Path]:
    """The files of `names_in`."""
    folder, names = names_in(path, field)
    return [folder / name for name in names]


def names_in(path: Path, field: str = "source.path") -> tuple[Path, tuple[str, ...]]:
    """The files of a folder that are tables, month_2 before month_10, or the one file. Hidden files do not count.

    Returns the folder and their paths in it, as texts: of years of daily files, most are only listed. Of a
    folder those of `TABLES`; where there are none, those of `OTHERS`.
    field: where the path is declared, "" where a person typed it. Raises InputError where there are none.
    """
    at = f"{field}: " if field else ""
    if path.is_file():
        if ending_of(path) not in _KINDS:
            what, fix = _other(path) or (
                "neither .csv nor .parquet nor .xlsx",
                "convert it, or rename it if it is one",
            )
            raise InputError(f"{path}: is {what}", code="file-of-another-format", value=str(path), fix=fix)
        return path.parent, (path.name,)
    if not path.is_dir():
        fix = "a relative path starts at the declaration's folder" if field else "name a file or folder that exists"
        raise InputError(f"{at}there is no {path}\n  {fix}")
    with os.scandir(path) as entries:
        names = tuple(each.name for each in entries if each.name[0] not in "._" and each.is_file())
    if tables := _tables_of(names):
        return path, tables
    files = tuple(each for each in partitioned_files(path) if ending_of(each) in TABLES)
    if not files and (other := _first_other([path / name for name in names])) is not None:
        path, what, fix = other
        raise InputError(
            f"{at}no .csv and no .parquet file in {path.parent}; {path.name} is {what}",
            code="file-of-another-format",
            value=str(path),
            fix=fix,
        )
    if not files:
        raise InputError(f"{at}no .csv and no .parquet file in {path}\n  put one there, or correct the path")
    inside = sorted(
        (each.relative_to(path) for each in files), key=lambda each: [_natural(part) for part in each.parts]
    )
    return path, tuple(str(each) for each in inside)


@lru_cache(maxsize=16)
def _tables_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The tables among files of a folder, in order. Cached: a cycle looks at the same names several times."""
    ends = {name: ending_of_name(name) for name in names}
    tables = [name for name in names if ends[name] in TABLES] or [name for name in names if ends[name] in OTHERS]
    # Most names are in the order of people if they are in that of texts, which is quicker to make.
    return tuple(sorted(sorted(tables), key=_natural))


def _other(path: Path) -> tuple[str, str] | None:
    """What a file of another format is by its first bytes, and how it becomes a table."""
    with path.open("rb") as file:
        return other_format(file.read(400))


def _first_other(paths: list[Path]) -> tuple[Path, str, str] | None:
    """The first file of a format that is known but not read."""
    known = [(path, other) for path in sorted(paths) if (other := _other(path)) is not None]
    return (known[0][0], *known[0][1]) if known else None


def ending_of(path: Path) -> str:
    """As `ending_of_name`."""
    return ending_of_name(path.name)


@lru_cache(maxsize=65_536)
def ending_of_name(name: str) -> str:
    """The end of a file's name by which its kind is known, the longest that is known."""
    lower = name.lower()
    before, dot, last = lower.rpartition(".")
    short, longer = f"{dot}{last}", f".{before.rpartition('.')[2]}{dot}{last}"
    if longer in _KINDS and lower.endswith(longer):
        return longer
    return short if short in _KINDS or (before and last) else ""


def suffix_of(path: Path) -> Suffix:
    """What a file of `files_in` is."""
    return _KINDS[ending_of(path)]


@lru_cache(maxsize=65_536)
def _natural(name: str) -> tuple[list[str | int], str]:
    """The order of names as people count: month_2 before month_10."""
    parts = _NUMBERS.split(name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def no_window(window: Window, known: list[str], path: Path) -> InputError:
    span = f"windows go from {known[0]} to {known[-1]}" if known else "there are none yet"
    return InputError(f"no batch '{window.name}' in {path}\n  {span}")
