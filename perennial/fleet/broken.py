"""Use cases without a model whose declaration cannot be used, which no run has recorded yet.

Only those are read: a declaration takes two milliseconds, and one that was run is shown by what its last run recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from perennial.evaluation.figures import counted
from perennial.fleet.standing import Standing, worst_first
from perennial.usecase.mistakes import DeclarationError, Mistake
from perennial.usecase.reading import load_use_case


def with_broken(listed: Iterable[Standing], folder: Path) -> list[Standing]:
    """How these use cases stand, worst first, where a new one with mistakes in its declaration is broken."""
    return sorted((_looked_at(each, folder) if each.state == "new" else each for each in listed), key=worst_first)


def _looked_at(each: Standing, folder: Path) -> Standing:
    try:
        load_use_case(each.usecase, folder)
    except DeclarationError as error:
        return replace(each, state="broken", why=_why(error.mistakes))
    return each


def _why(mistakes: tuple[Mistake, ...]) -> str:
    """The first mistake in one line, and how many there are besides."""
    first = str(replace(mistakes[0], fix=""))
    more = len(mistakes) - 1
    return f"{first}; and {counted(more, 'more mistake', 'more mistakes')}" if more else first
