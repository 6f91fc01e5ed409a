"""A CSV file that is too large for memory: its values as texts, part by part, as `delimited` reads them as a whole."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.sources.delimited import END, header_in, refuse_open_quote, text_parts
from perennial.sources.opened import HEAD, is_packed, opened_parts
from perennial.sources.read_options import ReadOptions

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class CsvFile:
    """A CSV in UTF-8.

    lines: with the header and empty ones. quotes: how many it has. ends: whether a line break ends its last line.
    """

    path: Path
    read: ReadOptions
    lines: int
    quotes: int
    ends: bool

    @cached_property
    def header(self) -> tuple[list[str], str]:
        """Its column names and its delimiter. Raises as `header_of`."""
        with closing(opened_parts(self.path, self.read)) as parts:
            return header_in(next(parts, b""), self.read)

    def texts(self, columns: list[str] | None = None, *, nulls: bool) -> Iterator[pa.Table]:
        """As `text_table`, part by part. Raises as it, at the end for some mistakes."""
        names, delimiter = self.header
        yield from self._texts(names, delimiter, names if columns is None else columns, nulls)
        if self.quotes % 2:
            refuse_open_quote(self._texts(names, delimiter, names[-1:], nulls=False))

    def _texts(self, names: list[str], delimiter: str, columns: list[str], nulls: bool) -> Iterator[pa.Table]:
        import pyarrow as pa

        source = pa.PythonFile(io.BufferedReader(_Stream(self._parts()), HEAD), mode="r")
        quote = self.read.quote if self.quotes else ""
        yield from text_parts(source, names, delimiter, quote, columns, nulls=nulls)

    def _parts(self) -> Iterator[bytes]:
        yield from opened_parts(self.path, self.read)
        if self.quotes and not self.ends:
            yield END


def has_lines(path: Path, lines: int) -> bool:
    """Whether a file may have more lines than that, by its size; a packed one may."""
    with path.open("rb") as file:
        return is_packed(file.read(4)) or path.stat().st_size > 2 * lines


def csv_file(path: Path, read: ReadOptions) -> CsvFile | None:
    """The file as far as it must be known to be read in parts; None for one that is read as a whole.

    That is one in another encoding or with comments, and one whose lines end with carriage returns alone.
    Raises UnreadableBatch as `opened`.
    """
    if read.encoding != "utf-8" or read.comment is not None:
        return None
    lines = quotes = 0
    last, quote = b"", read.quote.encode()
    for part in opened_parts(path, read):
        lines += part.count(b"\n")
        quotes += part.count(quote) if quote else 0
        last = part[-1:] or last
    ends = last == END
    return CsvFile(path, read, lines + (not ends), quotes, ends) if lines else None


class _Stream(io.RawIOBase):
    """Parts of bytes as a file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._left = parts, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and (part := next(self._parts, None)) is not None:
            self._left = part
        read = min(len(buffer), len(self._left))
        buffer[:read], self._left = self._left[:read], self._left[read:]
        return read
