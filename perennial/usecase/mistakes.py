"""Mistakes in a declaration, reported all at once, each with its code, its place and how to fix it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from unicodedata import normalize

from perennial.errors import InputError

_LISTED = 12


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a file.

    file: its path as a person would write it. line: from 1, None for the file as a whole.
    field: dotted, for example `evaluation.primary` or `checks[2].severity`; empty for the whole file.
    value: the value there, None if there is none.
    fix: how to fix it.
    code: stable, one for each rule; `docs/errors.md` has a section for it.
    """

    file: str
    line: int | None
    field: str
    value: Any
    message: str
    fix: str = ""
    code: str = dataclasses.field(kw_only=True)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        shown = ": ".join(part for part in (place, self.field, self.message) if part)
        return f"{shown}\n  {self.fix}" if self.fix else shown


class DeclarationError(InputError):
    """A declaration that cannot be used, with every mistake in order of lines."""

    code = "declaration-invalid"

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line or 0)))
        first = self.mistakes[0] if self.mistakes else None
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
        if first is not None:
            self.field, self.value, self.fix = first.field or None, first.value, first.fix

    def __reduce__(self) -> tuple[type[DeclarationError], tuple[tuple[Mistake, ...]]]:
        return type(self), (self.mistakes,)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, None if none is similar.

    >>> closest("logloss", ["accuracy", "log_loss"])
    'log_loss'
    """
    spelled = {each.casefold(): each for each in known}
    matches = get_close_matches(word.casefold(), spelled, n=1, cutoff=0.6)
    return spelled[matches[0]] if matches else None


def looks_like(name: str, others: Iterable[str]) -> str | None:
    """The name that differs only in case, surrounding spaces or Unicode form, None if there is none.

    >>> looks_like("weight", ["price", "Weight "])
    'Weight '
    """
    return next((other for other in others if _as_read(other) == _as_read(name)), None)


def _as_read(name: str) -> str:
    return " ".join(normalize("NFKC", name).casefold().split())


def hint(word: str, known: Iterable[str], what: str) -> str:
    """How to fix a misspelled word: the word likely meant, and the known ones.

    >>> hint("logloss", ["accuracy", "log_loss"], "metrics")
    "did you mean 'log_loss'? Known metrics: accuracy, log_loss"
    """
    words = sorted(known)
    near = closest(word, words)
    first = words if len(words) <= _LISTED else get_close_matches(word, words, n=6, cutoff=0.0)
    return (f"did you mean '{near}'? " if near else "") + f"Known {what}: {listed(first, of=len(words)) or 'none'}"


def listed(words: Sequence[str], of: int | None = None) -> str:
    """At most twelve words, and how many more there are. of: how many there are in all.

    >>> listed(["price", "weight"]), listed(["price", "weight"], of=9)
    ('price, weight', 'price, weight … and 7 more')
    """
    shown = words[:_LISTED]
    more = (len(words) if of is None else of) - len(shown)
    return ", ".join(shown) + (f" … and {more} more" if more else "")
