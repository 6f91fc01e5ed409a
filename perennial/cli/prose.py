"""Markdown for a terminal or a pipe: paragraphs in lines, tables in columns, no markup."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from perennial.cli.output import flowing, is_terminal, say
from perennial.cli.tables import Column, table

GIVE_WAY = {
    "metric": (
        ("champion", "naive baseline", "challenger", "interval by days alone"),
        ("verdict",),
        ("p", "interval by rows alone"),
        ("at least (one-sided)", "smallest detectable gain"),
    ),
    "slice": (("rows",), ("champion", "challenger"), ("smallest detectable loss",)),
}
"""Of the tables whose first column has this heading: beginnings of headings, those that give way last first."""

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
            flowing(f"\033[1m{heading}\033[0m" if is_terminal() else heading)
        elif lines[0].startswith("- "):
            for line in lines:
                flowing(_plain(line))
        else:
            flowing(_plain(" ".join(lines)))


def _table(rows: Sequence[Sequence[str]], wide: bool) -> None:
    heading, _, *cells = rows
    table(columns_of(heading), cells, wide=wide)


def columns_of(heading: Sequence[str]) -> list[Column]:
    """The columns of a table of Markdown, with which of them give way."""
    order = GIVE_WAY.get(heading[0], ())
    ranks = [next((rank for rank, names in enumerate(order, start=1) if name.startswith(names)), 0) for name in heading]
    return [
        Column(name, right=name.startswith(_NUMBERS), gives_way=rank, text=name == "verdict")
        for name, rank in zip(heading, ranks, strict=True)
    ]


def _plain(text: str) -> str:
    """Text without emphasis, escapes and entities."""
    return html.unescape(re.sub(r"\\(\W|_)", r"\1", re.sub(r"(?<!\\)[*`]", "", text)))
