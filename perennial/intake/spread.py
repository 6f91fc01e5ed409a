"""A large batch that is typed piece by piece, by whichever process an engine finds for each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from perennial.fault_points import full_disk
from perennial.intake.missing import with_missing_features
from perennial.intake.typed import reading_of
from perennial.sources.csv_in_parts import CsvFile
from perennial.sources.parquet_file import parquet_errors, unheld
from perennial.sources.pieces import Pieces
from perennial.sources.reading import Reading
from perennial.sources.stored import Stored, stored_in
from perennial.sources.typed_rows import Typed, type_rows, type_texts
from perennial.store.files import Files
from perennial.store.site import Site, shared_files
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_ROWS_OF_A_PIECE = 2**19
"""At least, where the row groups of the file allow it."""
_BYTES_AT_A_TIME = 2**22


@dataclass(frozen=True)
class Landed:
    """A file that arrived. place: of all files, which every process can reach. name: of this one there."""

    place: str
    name: str


@dataclass(frozen=True)
class Piece:
    """Row groups of a landed file, and where they are typed to."""

    landed: Landed
    groups: tuple[int, ...]
    to: str
    reading: Reading


def typed_piece(piece: Piece) -> Typed:
    """Type a piece and put it into its place; doing it twice is doing it once. Raises UnreadableBatch, DiskFull."""
    files = shared_files(piece.landed.place)

    def typing(to: IO[bytes]) -> Typed:
        with files.opened(piece.landed.name) as source:
            return type_rows(source, piece.reading, to, piece.groups)

    return _typed_into(files, piece.to, typing)


def _typed_into(files: Files, name: str, typing: Callable[[IO[bytes]], Typed]) -> Typed:
    """By way of a file without a name, of which a killed process leaves nothing."""
    with tempfile.TemporaryFile() as half:
        typed = typing(half)
        half.seek(0)
        with full_disk("the columns of a batch"):
            files.put(name, iter(partial(half.read, _BYTES_AT_A_TIME), b""))
    return typed


@contextmanager
def spread_batch(declaration: Declaration, file: Path | CsvFile, landed: str, site: Site) -> Iterator[Stored]:
    """As `stored_batch`, in files that all processes of an engine can reach. They are removed at the end.

    A CSV file cannot be cut, so this process types it. landed: the name of the file among those of the site.
    """
    reading = reading_of(declaration)
    with site.folder("typed", declaration.name) as folder:
        if isinstance(file, CsvFile):
            names = [f"{folder}/00000.parquet"]
            typed = [_typed_into(site.files, names[0], partial(type_texts, file, reading))]
        else:
            pieces = _pieces(file, Landed(site.place, landed), folder, reading)
            names = [piece.to for piece in pieces]
            typed = site.engine.map_files("type", typed_piece, pieces)
        batch = stored_in(Pieces(partial(_opened, site.place, tuple(names))), typed, reading)
        yield with_missing_features(batch, declaration)


def _pieces(file: Path, landed: Landed, folder: str, reading: Reading) -> list[Piece]:
    """At least one, so that an empty file is read too. Raises UnreadableBatch."""
    import pyarrow.parquet as pq

    with parquet_errors():
        metadata = pq.read_metadata(file)
    groups, together, rows = list[tuple[int, ...]](), list[int](), 0
    for group in range(metadata.num_row_groups):
        together.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= _ROWS_OF_A_PIECE:
            groups.append(tuple(together))
            together, rows = [], 0
    if together or not groups:
        groups.append(tuple(together))
    return [Piece(landed, each, f"{folder}/{number:05}.parquet", reading) for number, each in enumerate(groups)]


def _opened(place: str, names: Sequence[str]) -> tuple[pq.ParquetFile, ...]:
    files = shared_files(place)
    return tuple(unheld(files.opened(name)) for name in names)
