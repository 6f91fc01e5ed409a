"""CSV as bytes: which delimiter, which rows, and every value as the text that stands there."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from perennial.sources.opened import HEAD, UnreadableBatch, opened
from perennial.sources.read_options import PLAIN, ReadOptions

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = ",;\t|"
NULLS = ("", "NA", "NaN", "nan", "null", "NULL")
"""Texts that stand for no value where they are not quoted."""

END = b"\n"
"""Ends the last line: an open quote, which swallows everything to the end, shows by it."""

__all__ = ["DELIMITERS", "NULLS", "UnreadableBatch", "header_of", "lines_of", "text_table"]


def header_of(data: bytes, read: ReadOptions = PLAIN) -> tuple[list[str], str]:
    """The column names of a CSV and its delimiter: by default the one of `DELIMITERS` that its header has most of.

    Raises UnreadableBatch for an empty file, one of another format or encoding, one that begins with comments that
    `read` does not name, or two columns of one name.
    """
    return header_in(opened(data, read), read)


def header_in(opened_body: bytes, read: ReadOptions) -> tuple[list[str], str]:
    """As `header_of`, of what `opened` returns, or of its first 16 MiB."""
    body, quote = opened_body.lstrip(b"\r\n"), read.quote
    text = re.split(rb"[\r\n]", body[:HEAD], maxsplit=1)[0].decode(errors="replace")
    if not text.strip():
        raise UnreadableBatch(
            "the file is empty: not even a header\n  write it with its header and its rows, or remove it"
        )
    if text.startswith("#") and not any(each in _outside_quotes(text, quote) for each in read.delimiter or DELIMITERS):
        lines = next((n for n, line in enumerate(body.splitlines()) if not line.startswith(b"#")), 1)
        raise UnreadableBatch(
            f"the file begins with {lines} line{'' if lines == 1 else 's'} of comments (#), not with its header",
            value=text[:80],
            fix="write `comment: '#'` under source.read, or remove the lines that begin with #",
        )
    if "\0" in text:  # Arrow ends a name there
        raise UnreadableBatch(
            "the header has a NUL character (byte 0)",
            value=text[:80],
            fix="if the file is in UTF-16, write `encoding: utf-16` under source.read; otherwise remove the character",
        )
    if quote and text.count(quote) % 2:
        raise UnreadableBatch("a quote in the header is not closed\n  write column names on one line")
    delimiter = read.delimiter or max(DELIMITERS, key=lambda each: _outside_quotes(text, quote).count(each))
    names = next(_rows([text], delimiter, quote))
    other = max(DELIMITERS, key=lambda each: _outside_quotes(text, quote).count(each))
    if read.delimiter is not None and len(names) == 1 and other in _outside_quotes(text, quote):
        raise UnreadableBatch(
            f"the header has no {delimiter!r}, which source.read.delimiter names, but {other!r}",
            value=text[:80],
            fix="save the file as the other ones are, or omit `delimiter`: then each file's header shows its own",
        )
    if _is_title(names, body, quote, read.delimiter or DELIMITERS):
        raise UnreadableBatch(
            f"the first line has no names of columns: {text[:60]!r}",
            value=text[:80],
            fix="if lines of a title stand above the header, write how many as `skip_lines` under source.read",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableBatch(f"the header names {', '.join(map(repr, twice))} twice\n  give each column one name")
    return names, delimiter


def _is_title(names: list[str], body: bytes, quote: str, delimiters: str) -> bool:
    """Whether the first line has one text at most, and the lines after it are cut into several values."""
    if len(names) == 2 or sum(map(bool, names)) > 1:
        return False
    lines = [line.decode(errors="replace") for line in re.split(rb"[\r\n]+", body[: 1 << 16])[1:4]]
    lines = [line for line in lines if line]
    return bool(lines) and any(all(each in _outside_quotes(line, quote) for line in lines) for each in delimiters)


def _rows(lines: list[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    if not quote:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter, quotechar=quote)


def _outside_quotes(text: str, quote: str) -> str:
    return "".join(text.split(quote)[::2]) if quote else text


def text_table(data: bytes, *, nulls: bool, columns: list[str] | None = None, read: ReadOptions = PLAIN) -> pa.Table:
    """Every value of a CSV as the text that stands there.

    nulls: whether `NULLS` become null (not where quoted, but for the empty text); else they stay text.
    columns: those to read, in that order; None for all.
    Raises UnreadableBatch as `header_of`, and with the first row that has another number of values than the header.
    """
    import pyarrow as pa

    body = opened(data, read)
    names, delimiter = header_in(body, read)
    quote = read.quote if read.quote and read.quote.encode() in body else ""
    if not body.endswith(END) and (quote or END not in body):  # a header alone needs its line break too
        body += END

    def texts(columns: list[str], nulls: bool) -> pa.Table:
        return pa.concat_tables(text_parts(pa.BufferReader(body), names, delimiter, quote, columns, nulls=nulls))

    table = texts(names if columns is None else columns, nulls)
    if quote and body.count(quote.encode()) % 2:
        refuse_open_quote([texts(names[-1:], nulls=False)])
    return table


def text_parts(
    source: Any, names: list[str], delimiter: str, quote: str, columns: list[str], *, nulls: bool
) -> Iterator[pa.Table]:
    """Some columns of a CSV, part by part, one part at least, as `text_table` has them.

    source: an Arrow input of the bytes from the header on; with a quote in it, it ends with `END`. quote: "" if it has
    none. Raises UnreadableBatch, at the end for rows that have another number of values than the header.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    wrong: list[tuple[int | None, int, int]] = []

    def refuse(row: arrow_csv.InvalidRow) -> str:
        wrong.append((row.number, row.expected_columns, row.actual_columns))
        return "skip"

    try:
        parts = arrow_csv.open_csv(
            source,
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=HEAD),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char=quote or False,
                double_quote=bool(quote),
                newlines_in_values=bool(quote),
                invalid_row_handler=refuse,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                include_columns=columns,
                null_values=list(NULLS),
                strings_can_be_null=nulls,
                quoted_strings_can_be_null=False,
            ),
        )
        yield parts.schema.empty_table()
        for part in parts:
            yield pa.table(part)
    except pa.ArrowException as problem:
        raise UnreadableBatch(f"cannot be read as CSV: {problem}\n  look for a quote that is not closed") from problem
    if wrong:
        (row, expected, actual), more = wrong[0], f" ({len(wrong)} rows are so)" if len(wrong) > 1 else ""
        raise UnreadableBatch(
            f"row {row} has {actual} value{'' if actual == 1 else 's'}, the header {expected}{more}\n"
            "  put quotes around values that hold the delimiter or a line break, and close every quote"
        )


def refuse_open_quote(parts: Iterable[pa.Table]) -> None:
    """Raises UnreadableBatch if the last value swallows the line break at the end.

    parts: the last column of a CSV with an odd number of quotes, with nulls as texts.
    """
    rows, last = 0, ""
    for part in parts:
        if part.num_rows:
            rows, last = rows + part.num_rows, part.column(0)[-1].as_py()
    if last.endswith("\n"):
        raise UnreadableBatch(f"the quote in row {rows + 1} is not closed\n  close it, or double it inside a value")


def lines_of(data: bytes, read: ReadOptions = PLAIN) -> list[bytes]:
    """The lines of a CSV in UTF-8, header first, each with its line break, untouched; empty lines are left out.

    A line break between quotes belongs to its row. Raises UnreadableBatch as `opened`.
    """
    import numpy as np

    body, quote = opened(data, read), read.quote.encode()
    letters = np.frombuffer(body, dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    if quote and quote in body:
        quotes = np.flatnonzero(letters == ord(quote))
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    edges = [0, *(int(end) + 1 for end in ends)]
    if edges[-1] < len(body):
        edges.append(len(body))
    rows = [body[start:end] for start, end in pairwise(edges)]
    return [row if row.endswith(b"\n") else row + b"\n" for row in rows if row.strip(b"\r\n")]
