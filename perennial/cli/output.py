"""Lines for people, plain text in a pipe, JSON for programs."""

from __future__ import annotations

import codecs
import io
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from perennial.cli.silence import Silence
from perennial.cli.wrapping import fitted
from perennial.secrets import mask_deep, masked

_IN_ASCII = {
    "→": "->",
    "←": "<-",
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


PIPE_WIDTH = 80
"""Columns of running text in a pipe."""
_HANGS = " " * 4


def is_terminal() -> bool:
    """Whether a person reads along."""
    return sys.stdout.isatty()


def json_wanted() -> bool:
    """Whether the command was asked for JSON: then standard output has that alone."""
    return "--json" in sys.argv


def shows_at_once() -> bool:
    """Whether what goes on is shown while it does."""
    return is_terminal() and not json_wanted()


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


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show what a command is busy with: on a terminal while the block runs, elsewhere by a line if that takes long."""
    if not shows_at_once():
        SILENCE.begins(what)
        try:
            yield
        finally:
            SILENCE.ends()
        return
    from rich.console import Console

    with Console().status(f"{what} ..."):
        yield


def say(text: str = "") -> None:
    """Lines on standard output, without anything secret; on a terminal broken between words."""
    SILENCE.ends()
    sys.stdout.write(_shown(text, sys.stdout) + "\n")


def flowing(text: str) -> None:
    """Running text on standard output: broken between words, also in a pipe, where a row of a table has one line."""
    for line in fitted(masked(text), text_width()).split("\n"):
        say(line)


def text_width() -> int:
    """How many columns running text has."""
    return terminal_width() if is_terminal() else PIPE_WIDTH


def note(text: str) -> None:
    """A line on standard error: what a program that reads our output must not get."""
    SILENCE.ends()
    sys.stderr.write(_shown(text, sys.stderr) + "\n")


SILENCE = Silence(note)
"""Of this command, where its output is no terminal."""


def flowing_note(text: str) -> None:
    """Running text on standard error, broken between words, also in a pipe.

    What follows a line that is not indented is: programs that look for `file:line:` see where the next one begins.
    """
    if sys.stderr.isatty():
        note(text)
        return
    for line in masked(text).split("\n"):
        indented = len(line) <= PIPE_WIDTH or line.startswith(" ")
        first, *more = fitted(line, PIPE_WIDTH).split("\n") if indented else _hanging(line)
        note("\n".join([first, *more]))


def _hanging(line: str) -> list[str]:
    """A line in at most `PIPE_WIDTH` columns, of which those after the first are indented."""
    first, *more = fitted(line, PIPE_WIDTH).split("\n")
    return [first, *fitted(f"{_HANGS}{' '.join(more)}", PIPE_WIDTH).split("\n")] if more else [first]


def terminal_width() -> int:
    """How many columns the terminal has; 80 where it does not report it."""
    return shutil.get_terminal_size((80, 24)).columns


def _shown(text: str, stream: TextIO) -> str:
    return fitted(masked(text), terminal_width()) if stream.isatty() else masked(text)


def as_json(value: Any) -> None:
    """A JSON document on standard output, fields named as in the documentation."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(mask_deep(value), indent=2, ensure_ascii=not unicode) + "\n")
