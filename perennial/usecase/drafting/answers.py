"""The columns that a person named."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from perennial.usecase.drafting.guess import NeedsAnswer
from perennial.usecase.drafting.sample import Column, Sample


def named(sample: Sample, asked: str, name: str) -> Column:
    """The column that an answer names. Raises NeedsAnswer with what may be meant."""
    if name not in sample.columns:
        near = get_close_matches(name, sample.columns, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise NeedsAnswer(f"{asked}: {sample.path} has no column '{name}'\n  {hint}It has {listed(sample.columns)}")
    return sample.columns[name]


def all_named(sample: Sample, names: list[str]) -> None:
    """Raises NeedsAnswer with each name of the key that the data do not have."""
    questions = []
    for name in names:
        try:
            named(sample, "key", name)
        except NeedsAnswer as question:
            questions.append(str(question))
    if questions:
        raise NeedsAnswer("\n".join(questions))


def listed(names: Any) -> str:
    """Names in a sentence, the first twelve of many; a column without a name cannot be named."""
    names = [name for name in names if name]
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
