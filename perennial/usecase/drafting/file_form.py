"""How a CSV file is written, as its bytes show it: encoding, comments, quotes and delimiter."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import Any

from perennial.sources.delimited import DELIMITERS, UnreadableBatch
from perennial.sources.opened import is_utf16, opened, unpacked
from perennial.sources.read_options import ReadOptions
from perennial.usecase.drafting.guess import Guess
from perennial.usecase.drafting.title_rows import rows_above_header

_LOOKED_AT = 1 << 20
_LINES = 60
_RARE_DELIMITERS = "^~:\x1f\x01"
_COMMENTS = ("#", "//", "%")

Form = dict[str, Guess[Any]]
"""Field of `ReadOptions` → what is guessed of it; fields at their default are left out."""


def file_form(data: bytes, given: ReadOptions) -> Form:
    """What the bytes of a CSV show of `ReadOptions`. given: what a person wrote; those fields are not looked for.

    Raises UnreadableBatch for an archive that cannot be unpacked.
    """
    form: Form = {}
    body = unpacked(data)
    if "encoding" not in given.model_fields_set and (guess := _encoding(body)) is not None:
        form["encoding"] = guess
    encoding = form["encoding"].value if "encoding" in form else given.encoding
    text = opened(body, ReadOptions(encoding=encoding))[:_LOOKED_AT].decode("utf-8", errors="ignore")
    there = re.split(r"\r?\n", text)
    if given.skip_lines:
        there = there[given.skip_lines :]
    lines = [line for line in there if line][:_LINES]
    comment = given.comment or _comment(lines)
    if comment is not None:
        if given.comment is None:
            many = sum(line.startswith(comment) for line in lines)
            form["comment"] = Guess(comment, "sure", f"{many} of the first {len(lines)} lines begin with it")
        lines = [line for line in lines if not line.startswith(comment)]
    if not lines:
        return form
    if "skip_lines" not in given.model_fields_set and (above := _lines_above(lines, given)) is not None:
        header, why = lines[above], f"above the header stands {lines[0][:40]!r}"
        form["skip_lines"] = Guess(there.index(header), "likely", why)
        lines = lines[above:]
        if "comment" in form and not any(line.startswith(comment or "") for line in there[there.index(header) :]):
            del form["comment"]
    quote: str = given.quote
    if "quote" not in given.model_fields_set and (guess := _quote(lines)) is not None:
        form["quote"], quote = guess, guess.value
    if given.delimiter is None and (guess := _delimiter(lines, quote)) is not None:
        form["delimiter"] = guess
    return form


def _lines_above(lines: list[str], given: ReadOptions) -> int | None:
    """How many lines of a title stand above the header, with the delimiter that cuts most lines alike."""
    ways = [given.delimiter] if given.delimiter is not None else list(DELIMITERS)
    tables = [[next(iter(_rows([line], way, given.quote)), []) for line in lines[:-1]] for way in ways]
    # The last line may be cut short.
    alike = [Counter(len(row) for row in table if len(row) > 1).most_common(1) for table in tables]
    if not any(alike):
        return None
    most = max(range(len(ways)), key=lambda place: alike[place][0][::-1] if alike[place] else (0, 0))
    return rows_above_header(tables[most])


def _encoding(body: bytes) -> Guess[str] | None:
    """None for UTF-8."""
    if is_utf16(body[:400]):
        return Guess("utf-16", "sure", "its first bytes are those of UTF-16")
    try:
        body.decode("utf-8")
        return None
    except UnicodeDecodeError as problem:
        place = problem.start
    try:
        name, text = "cp1252", body.decode("cp1252")
    except UnicodeDecodeError:
        name, text = "latin-1", body.decode("latin-1")
    word = re.search(r"[^\s,;|\"]*$", text[max(0, place - 20) : place])
    after = re.match(r"[^\s,;|\"]*", text[place : place + 20])
    shown = (word[0] if word else "") + (after[0] if after else "")
    line = body.count(b"\n", 0, place) + 1
    return Guess(name, "unsure", f"it is not UTF-8; read so, line {line} has {shown!r}")


def _comment(lines: list[str]) -> str | None:
    """The text that the lines above the header begin with, unless the header itself does."""
    for mark in _COMMENTS:
        rest = next((line for line in lines if not line.startswith(mark)), None)
        if not lines or not lines[0].startswith(mark) or rest is None:
            continue
        delimiter = max(DELIMITERS, key=rest.count)
        if lines[0].count(delimiter) != rest.count(delimiter) or rest.count(delimiter) == 0:
            return mark
    return None


def _quote(lines: list[str]) -> Guess[str] | None:
    """None for the usual one."""
    if '"' in lines[0] or not re.fullmatch(r"'[^']*'([,;\t|]'[^']*')*", lines[0].strip()):
        return None
    return Guess("'", "sure", "the header's names stand in it")


def _delimiter(lines: list[str], quote: str) -> Guess[str] | None:
    """None for the comma, or where nothing separates the lines into two columns or more."""
    usual = max(DELIMITERS, key=_outside(lines[0], quote).count)
    ways = [usual, *(each for each in DELIMITERS + _RARE_DELIMITERS if each != usual)]
    for delimiter in ways:
        widths = {len(row) for row in _rows(lines, delimiter, quote)}
        if len(widths) == 1 and min(widths) > 1:
            if delimiter == ",":
                return None
            return Guess(delimiter, "sure", f"it makes {min(widths)} columns of each of the first {len(lines)} lines")
    return Guess(usual, "likely", "the header has most of it") if usual in lines[0] and usual != "," else None


def _outside(line: str, quote: str) -> str:
    return "".join(line.split(quote)[::2]) if quote else line


def _rows(lines: list[str], delimiter: str, quote: str) -> list[list[str]]:
    try:
        if not quote:
            return list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
        rows = list(csv.reader(lines, delimiter=delimiter, quotechar=quote))
    except csv.Error:
        return []
    return rows[:-1] if len(rows) > 2 else rows  # the last may be cut short


__all__ = ["Form", "UnreadableBatch", "file_form"]
