"""Tables: as wide as a terminal allows without breaking a word; in a pipe one line per row, long texts below it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from perennial.cli.output import is_terminal, say, terminal_width, text_width
from perennial.cli.wrapping import fitted
from perennial.fleet.standing import BAD
from perennial.secrets import masked

GAP = "  "
NARROWEST_TEXT = 24
"""Columns of a terminal that running text needs at least."""

_COLOURS = {
    "release": "32",
    "first release": "32",
    "accepted": "32",
    "keep": "36",
    "undecided": "33",
    "replaced": "2",
    "good": "32",
    **dict.fromkeys(BAD, "31"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    right: numbers, aligned to the right.
    gives_way: on a terminal that is too narrow, columns with the highest number are left out first, and those with 0
    never. `--wide` and a pipe show every column.
    text: running text, which may wrap between words; the last column only. In a pipe it continues below its row where
    that is too long; `--wide` has one line per row.
    """

    heading: str
    right: bool = False
    gives_way: int = 0
    text: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, wide: bool = False) -> None:
    """Print rows under headings. On a terminal, columns that are not needed give way before a line is too long."""
    cells = [[masked(cell) for cell in row] for row in rows]
    if not is_terminal():
        for line in _lines(columns, cells, None, coloured=False) if wide else _in_pipe(columns, cells):
            say(line)
        return
    room = None if wide else terminal_width()
    shown = list(range(len(columns)))
    for rank in sorted({column.gives_way for column in columns} - {0}, reverse=True):
        if room is not None and _least(columns, cells, shown) > room:
            shown = [i for i in shown if columns[i].gives_way != rank]
    picked = [[row[i] for i in shown] for row in cells]
    for line in _lines([columns[i] for i in shown], picked, room, coloured="NO_COLOR" not in os.environ):
        sys.stdout.write(line + "\n")
    if len(shown) < len(columns):
        left_out = ", ".join(columns[i].heading for i in range(len(columns)) if i not in shown)
        say(f"Left out to fit: {left_out}. --wide shows every column.")


def pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Print names with their values beside them; long values wrap between words, in a pipe too."""
    columns = (Column(""), Column("", text=True))
    if is_terminal():
        table(columns, rows)
        return
    for line in _lines(columns, [[masked(cell) for cell in row] for row in rows], text_width(), coloured=False):
        say(line)


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes; letters of East Asian scripts take two."""
    from rich.cells import cell_len

    return cell_len(text)


def _least(columns: Sequence[Column], rows: Sequence[Sequence[str]], shown: Sequence[int]) -> int:
    """How many columns of a terminal a row takes at least."""
    widths = [_widest(columns[i], [row[i] for row in rows]) for i in shown]
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _widest(column: Column, cells: Sequence[str]) -> int:
    widest = max([width_of(column.heading), *map(width_of, cells)])
    return min(widest, NARROWEST_TEXT) if column.text else widest


def _in_pipe(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table with every column; running text that is too long continues below its beginning.

    Where the other columns leave too little room for that, it stands below its row.
    """
    if not columns[-1].text:
        return _lines(columns, rows, None, coloured=False)
    widths = _widths(columns[:-1], rows)
    if sum(widths) + len(GAP) * len(widths) + NARROWEST_TEXT <= text_width():
        return _lines(columns, rows, text_width(), coloured=False)
    headings = _line(columns[:-1], [c.heading for c in columns[:-1]], widths)
    lines = [f"{headings}{GAP}{columns[-1].heading}"]
    for cells in rows:
        before, text = _line(columns[:-1], cells[:-1], widths), cells[-1]
        whole = f"{before}{GAP}{text}".rstrip()
        fits = not text or width_of(whole) <= text_width()
        lines += [whole] if fits else [before, *fitted(f"{GAP}{text}", text_width(), in_paths=True).split("\n")]
    return lines


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide the widest cell of each column is, the heading included."""
    return [max([width_of(c.heading), *(width_of(row[i]) for row in rows)]) for i, c in enumerate(columns)]


def _lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int | None, *, coloured: bool) -> list[str]:
    """The lines of a table. room: how wide they may be, None for any width."""
    widths = _widths(columns, rows)
    text = columns[-1].text and room is not None
    if text and room is not None:
        before = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(NARROWEST_TEXT, room - before))
    headings = [c.heading for c in columns]
    lines = [_bold(_line(columns, headings, widths), coloured)] if any(headings) else []
    for row in rows:
        wrapped = fitted(row[-1], widths[-1], in_paths=True).split("\n") if text else [row[-1]]
        for number, part in enumerate(wrapped):
            first = [*row[:-1], part] if not number else ["" for _ in row[:-1]] + [part]
            lines.append(_line(columns, first, widths, coloured=coloured))
    return lines


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int], *, coloured: bool = False) -> str:
    padded = []
    for column, cell, width in zip(columns, cells, widths, strict=True):
        space = " " * (width - width_of(cell))
        drawn = f"\033[{_COLOURS[cell]}m{cell}\033[0m" if coloured and cell in _COLOURS else cell
        padded.append(space + drawn if column.right else drawn + space)
    return GAP.join(padded).rstrip()


def _bold(line: str, coloured: bool) -> str:
    return f"\033[1m{line}\033[0m" if coloured else line
