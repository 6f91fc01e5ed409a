"""CSV as bytes: which delimiter, which rows, and every value as the text that stands there."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from perennial.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = ",;\t"
BOM = b"\xef\xbb\xbf"
NULLS = ("", "NA", "NaN", "nan", "null", "NULL")
"""Texts that stand for no value where they are not quoted."""

_BLOCK = 1 << 24


class UnreadableBatch(InputError):
    """The bytes of a batch cannot be read as a table at all. Nothing of it was taken in."""

    code = "batch-unreadable"


def header_of(data: bytes) -> tuple[list[str], str]:
    """The column names of a CSV and its delimiter: the one of comma, semicolon and tab that its header has most of.

    Raises UnreadableBatch for an empty file, one that is not UTF-8, or two columns of one name.
    """
    checked_utf8(data)
    body = data.removeprefix(BOM).lstrip(b"\r\n")
    text = re.split(rb"[\r\n]", body[:_BLOCK], maxsplit=1)[0].decode(errors="replace")
    if not text.strip():
        raise UnreadableBatch("the file is empty: not even a header\n  a batch without rows still has the header line")
    if text.count('"') % 2:
        raise UnreadableBatch("a quote in the header is not closed\n  write column names on one line")
    delimiter = max(DELIMITERS, key=lambda each: _outside_quotes(text).count(each))
    names = next(csv.reader([text], delimiter=delimiter))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableBatch(f"the header names {', '.join(map(repr, twice))} twice\n  give each column one name")
    return names, delimiter


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
    body = data.removeprefix(BOM) + (b"\n" if b'"' in data and not data.endswith(b"\n") else b"")
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

    body = data.removeprefix(BOM)
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
