"""Tables and colour for people, plain text in a pipe, JSON for programs."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from perennial.secrets import mask_deep, masked

_IN_ASCII = {
    "→": "->",
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "≤": "<=",
    "≥": ">=",
    "×": "x",
    "·": "-",
    "²": "2",
    "“": '"',
    "”": '"',
    "„": '"',
    "‘": "'",
    "’": "'",
    "\u00a0": " ",
    "\u202f": " ",
}


def is_terminal() -> bool:
    """Whether a person reads along."""
    return sys.stdout.isatty()


def json_wanted() -> bool:
    """Whether the command was asked for JSON: then standard output has that alone."""
    return "--json" in sys.argv


def any_encoding() -> None:
    """Let output go on where its encoding lacks a character, as under `LC_ALL=C`: the nearest plain one stands in."""
    codecs.register_error("perennial", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="perennial")


def _nearest(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    letters = problem.object[problem.start : problem.end]
    return "".join(_IN_ASCII.get(letter, "?") for letter in letters), problem.end


def say(text: str = "") -> None:
    """A line on standard output, without anything secret."""
    sys.stdout.write(masked(text) + "\n")


def note(text: str) -> None:
    """A line on standard error: what a program that reads our output must not get."""
    sys.stderr.write(masked(text) + "\n")


def as_json(value: Any) -> None:
    """A JSON document on standard output, fields named as in the documentation."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(mask_deep(value), indent=2, ensure_ascii=not unicode) + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Rows under headings: a Rich table on a terminal, aligned plain text in a pipe. right: columns of numbers."""
    if is_terminal():
        from rich.console import Console
        from rich.table import Table

        drawn = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            drawn.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            drawn.add_row(*[_coloured(masked(cell)) for cell in row])
        Console().print(drawn)
        return
    widths = [max(len(str(row[i])) for row in [columns, *rows]) for i in range(len(columns))]
    for row in [columns, *rows]:
        cells = [
            str(cell).rjust(width) if column in right else str(cell).ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        say("  ".join(cells).rstrip())


def markdown(text: str) -> None:
    """Markdown, drawn on a terminal and as it is in a pipe."""
    if is_terminal():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(masked(text)))
        return
    say(text)


_COLOURS = {
    "release": "green",
    "first": "green",
    "accepted": "green",
    "keep": "yellow",
    "undecided": "yellow",
    "blocked": "red",
    "held": "red",
}


def _coloured(cell: str) -> str:
    from rich.markup import escape

    colour = _COLOURS.get(cell)
    return f"[{colour}]{cell}[/{colour}]" if colour else escape(cell)
