"""The rows that several files have of one window, joined under the columns of the first file. No value is altered.

CSV files may differ in their delimiter, in the order of their columns and in how a name is written (blanks around it,
form of Unicode): the lines of the later ones are written as the first one's. Other differences are refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perennial.errors import InputError
from perennial.sources.reading import matched


@dataclass(frozen=True)
class Piece:
    """The rows of one file that lie in one window: lines of CSV under their header, or a table.

    delimiter: of the CSV; empty for a table.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    header: bytes
    rows: Any


def joined_csv(pieces: Sequence[Piece], quote: str) -> bytes:
    """One CSV in UTF-8. Raises InputError for files whose columns differ."""
    first = pieces[0]
    return first.header + b"".join([first.rows, *(_lines_as(piece, first, quote) for piece in pieces[1:])])


def joined_parquet(pieces: Sequence[Piece]) -> bytes:
    """One Parquet file. Raises InputError for files whose columns or their types differ."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for piece in pieces[1:]:
        if piece.columns != pieces[0].columns:
            raise _other_columns(piece, pieces[0])
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


def _lines_as(piece: Piece, first: Piece, quote: str) -> bytes:
    """The lines of a piece with the delimiter of the first one and its order of columns; as they are where alike."""
    rows: bytes = piece.rows
    if (piece.delimiter, piece.columns) == (first.delimiter, first.columns):
        return rows
    names = matched(piece.columns, first.columns)
    if len(names) < len(first.columns) or len(piece.columns) > len(names):
        raise _other_columns(piece, first)
    if not quote and piece.delimiter != first.delimiter:
        raise InputError(
            f"{piece.path}: its delimiter is {piece.delimiter!r}, that of {first.path.name} is {first.delimiter!r}, "
            "and both have rows of one window",
            value=piece.delimiter,
            fix="values have no quotes (source.read.quote), so that they cannot be joined: save both files with one "
            "delimiter, or use `batch: file`",
        )
    order = [piece.columns.index(names[name]) for name in first.columns]
    return b"".join(_line_as(line, piece, first.delimiter, order, quote) for line in _lines(rows, quote))


def _line_as(line: bytes, piece: Piece, delimiter: str, order: list[int], quote: str) -> bytes:
    body = line.rstrip(b"\r\n")
    values = _values(body, piece.delimiter.encode(), quote.encode())
    if len(values) != len(order):
        raise InputError(
            f"{piece.path}: a row has {len(values)} values, the header {len(order)}",
            value=body[:60].decode(errors="replace"),
            fix="put quotes around values that hold the delimiter or a line break",
        )
    asked = [_between(values[place], delimiter.encode(), quote.encode()) for place in order]
    return delimiter.encode().join(asked) + line[len(body) :]


def _values(body: bytes, delimiter: bytes, quote: bytes) -> list[bytes]:
    """The values of a line as they are written, with their quotes.

    >>> _values(b"1;'a;b';", b";", b"'")
    [b'1', b"'a;b'", b'']
    """
    if not quote:
        return body.split(delimiter)
    quoted = rb"(?:%b(?:[^%b]|%b%b)*%b)?" % ((re.escape(quote),) * 5)
    value = re.compile(rb"(%b[^%b]*)(?:%b|\Z)" % (quoted, re.escape(delimiter), re.escape(delimiter)), re.DOTALL)
    values, place = [], 0
    while (match := value.match(body, place)) is not None:
        values.append(match[1])
        place = match.end()
        if match.end() == match.end(1):
            break
    return values


def _between(value: bytes, delimiter: bytes, quote: bytes) -> bytes:
    """A value with quotes where it has the delimiter and none yet."""
    if delimiter not in value or (quote and value.startswith(quote)) or not quote:
        return value
    return quote + value.replace(quote, quote * 2) + quote


def _lines(rows: bytes, quote: str) -> list[bytes]:
    """Lines with their ends; a line break between quotes belongs to its line."""
    lines: list[bytes] = []
    inside = False
    for line in (each + b"\n" for each in rows.split(b"\n")[:-1]):
        if inside:
            lines[-1] += line
        else:
            lines.append(line)
        inside ^= bool(quote) and line.count(quote.encode()) % 2 == 1
    return lines


def _other_columns(piece: Piece, first: Piece) -> InputError:
    only = [name for name in piece.columns if name not in first.columns]
    lacks = [name for name in first.columns if name not in piece.columns]
    what = [f"{title} {', '.join(map(repr, each))}" for title, each in (("has", only), ("lacks", lacks)) if each]
    delimiters = ""
    if piece.delimiter != first.delimiter:
        delimiters = f"; its delimiter is {piece.delimiter!r}, that of {first.path.name} is {first.delimiter!r}"
    return InputError(
        f"{piece.path}: other columns than {first.path.name}, and both have rows of one window: it "
        f"{' and '.join(what)}{delimiters}",
        fix="give both files the same columns, or use `batch: file`",
    )
