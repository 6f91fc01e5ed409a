"""CSV as bytes: which delimiter, which rows, and every value as the text that stands there."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from perennial.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = ",;\t|"
BOM = b"\xef\xbb\xbf"
NULLS = ("", "NA", "NaN", "nan", "null", "NULL")
"""Texts that stand for no value where they are not quoted."""

_BLOCK = 1 << 24


_OTHER_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed with gzip", "unpack it with `gunzip`"),
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2`"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it with `unxz`"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", "unpack it with `unzstd`"),
    (b"PK\x03\x04", "an Excel workbook (.xlsx) or another zip archive", "save the sheet as CSV (UTF-8), or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)", "save the sheet as CSV (UTF-8)"),
    (b"PAR1", "Parquet", "give it a name that ends in .parquet"),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8, for example with `iconv -f utf-16 -t utf-8`"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8, for example with `iconv -f utf-16 -t utf-8`"),
)
"""How bytes begin that are no CSV in UTF-8: what they are, and how they become one."""

_SEPARATOR_LINE = re.compile(rb"(?i)sep=(.)\r?[\r\n]")


class UnreadableBatch(InputError):
    """The bytes of a batch cannot be read as a table at all. Nothing of it was taken in."""

    code = "batch-unreadable"


def rows_of(data: bytes) -> bytes:
    """The bytes from the header on, lines ended by a line feed.

    A byte order mark and Excel's first line `sep=;` are left out, and a carriage return alone ends a line as on old
    Macs.
    """
    body = data.removeprefix(BOM)
    if b"\n" not in body and b"\r" in body:
        body = body.replace(b"\r", b"\n")
    line = _SEPARATOR_LINE.match(body)
    return body[line.end() :] if line else body


def header_of(data: bytes) -> tuple[list[str], str]:
    """The column names of a CSV and its delimiter: the one of `DELIMITERS` that its header has most of.

    Raises UnreadableBatch for an empty file, one of another format or not in UTF-8, one that begins with comments, or
    two columns of one name.
    """
    _refuse_other_formats(data)
    checked_utf8(data)
    body = rows_of(data).lstrip(b"\r\n")
    text = re.split(rb"[\r\n]", body[:_BLOCK], maxsplit=1)[0].decode(errors="replace")
    if not text.strip():
        raise UnreadableBatch("the file is empty: not even a header\n  a batch without rows still has the header line")
    if text.startswith("#") and not any(each in _outside_quotes(text) for each in DELIMITERS):
        lines = next((n for n, line in enumerate(body.splitlines()) if not line.startswith(b"#")), 1)
        raise UnreadableBatch(
            f"the file begins with {lines} line{'' if lines == 1 else 's'} of comments (#), not with its header",
            value=text[:80],
            fix="remove the lines that begin with #",
        )
    if text.count('"') % 2:
        raise UnreadableBatch("a quote in the header is not closed\n  write column names on one line")
    delimiter = max(DELIMITERS, key=lambda each: _outside_quotes(text).count(each))
    names = next(csv.reader([text], delimiter=delimiter))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableBatch(f"the header names {', '.join(map(repr, twice))} twice\n  give each column one name")
    return names, delimiter


def _refuse_other_formats(data: bytes) -> None:
    if found := other_format(data[:400]):
        raise UnreadableBatch(f"the file is {found[0]}, not CSV in UTF-8", fix=found[1])


def other_format(start: bytes) -> tuple[str, str] | None:
    """What a file is by its first bytes, and how it becomes CSV; None where it may be that."""
    for mark, what, fix in _OTHER_FORMATS:
        if start.startswith(mark):
            return what, fix
    if start.count(b"\0") > len(start) // 4:
        return "text in UTF-16", "save it as UTF-8, for example with `iconv -f utf-16le -t utf-8`"
    return None


def _outside_quotes(text: str) -> str:
    return "".join(text.split('"')[::2])


def checked_utf8(data: bytes) -> None:
    """Raises UnreadableBatch with the line where bytes are not UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        byte = data[problem.start : problem.start + 1].hex()
        raise UnreadableBatch(
            f"line {line} is not UTF-8 (byte 0x{byte})\n  save it as UTF-8, for example with `iconv -f latin1 -t utf-8`"
        ) from None


def text_table(data: bytes, *, nulls: bool, columns: list[str] | None = None) -> pa.Table:
    """Every value of a CSV as the text that stands there.

    nulls: whether `NULLS` become null (not where quoted, but for the empty text); else they stay text.
    columns: those to read, in that order; None for all.
    Raises UnreadableBatch as `header_of`, and with the first row that has another number of values than the header.
    """
    names, delimiter = header_of(data)
    table = _read(data, names, delimiter, names if columns is None else columns, nulls)
    if data.count(b'"') % 2:
        last = _read(data, names, delimiter, names[-1:], False)[names[-1]]
        if len(last) and last[-1].as_py().endswith("\n"):
            raise UnreadableBatch(
                f"the quote in row {len(last) + 1} is not closed\n  close it, or double it inside a value"
            )
    return table


def _read(data: bytes, names: list[str], delimiter: str, columns: list[str], nulls: bool) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    # An open quote swallows everything to the end: the line break added here shows it.
    body = rows_of(data)
    body += b"\n" if b'"' in data and not body.endswith(b"\n") else b""
    wrong: list[tuple[int | None, int, int]] = []

    def refuse(row: arrow_csv.InvalidRow) -> str:
        wrong.append((row.number, row.expected_columns, row.actual_columns))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(body),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=b'"' in data, invalid_row_handler=refuse
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                include_columns=columns,
                null_values=list(NULLS),
                strings_can_be_null=nulls,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowException as problem:
        raise UnreadableBatch(f"cannot be read as CSV: {problem}\n  look for a quote that is not closed") from problem
    if wrong:
        row, expected, actual = wrong[0]
        raise UnreadableBatch(
            f"row {row} has {actual} values, the header {expected} ({len(wrong)} such rows)\n"
            "  put quotes around values that hold the delimiter or a line break"
        )
    return table


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a CSV, header first, each with its line break, untouched; empty lines are left out.

    A line break between quotes belongs to its row.
    """
    import numpy as np

    body = rows_of(data)
    letters = np.frombuffer(body, dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    if b'"' in body:
        quotes = np.flatnonzero(letters == ord('"'))
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    edges = [0, *(int(end) + 1 for end in ends)]
    if edges[-1] < len(body):
        edges.append(len(body))
    rows = [body[start:end] for start, end in pairwise(edges)]
    return [row if row.endswith(b"\n") else row + b"\n" for row in rows if row.strip(b"\r\n")]
