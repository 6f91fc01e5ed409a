"""Markdown for a terminal or a pipe: paragraphs in lines, tables in columns, no markup."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from perennial.cli.output import is_terminal, say
from perennial.cli.tables import Column, table

WIDE = ("champion", "challenger", "at least (one-sided)", "p", "smallest detectable loss", "interval by rows alone")
"""Beginnings of headings whose columns give way first."""

_NUMBERS = ("rows", "gain", "champion", "challenger", "p", "smallest loss seen")


def prose(markdown: str, *, wide: bool = False) -> None:
    """Print headings, paragraphs, lists and tables of Markdown."""
    for number, block in enumerate(re.split(r"\n\s*\n", markdown.strip())):
        if number:
            say()
        lines = block.splitlines()
        if lines[0].startswith("|"):
            _table([[_plain(cell) for cell in re.split(r" (?<!\\)\| ", line[2:-2])] for line in lines], wide)
        elif lines[0].startswith("#"):
            heading = _plain(lines[0].lstrip("# "))
            say(f"\033[1m{heading}\033[0m" if is_terminal() else heading)
        elif lines[0].startswith("- "):
            for line in lines:
                say(_plain(line))
        else:
            say(_plain(" ".join(lines)))


def _table(rows: Sequence[Sequence[str]], wide: bool) -> None:
    heading, _, *cells = rows
    columns = [
        Column(name, right=name.startswith(_NUMBERS), wide=name.startswith(WIDE), text=name == "verdict")
        for name in heading
    ]
    table(columns, cells, wide=wide)


def _plain(text: str) -> str:
    """Text without emphasis, escapes and entities."""
    return html.unescape(re.sub(r"\\(\W|_)", r"\1", re.sub(r"(?<!\\)[*`]", "", text)))
