"""One format for all files of a folder, or which file is written in another way than the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perennial.errors import InputError
from perennial.usecase.drafting.file_form import Form
from perennial.usecase.drafting.guess import Guess

_USUAL = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "skip_lines": 0}
"""What a file without the option is written with."""


@dataclass(frozen=True)
class FileForm:
    """What one file shows. in_ascii: whether its letters are the same in every encoding but UTF-16."""

    path: Path
    form: Form
    in_ascii: bool


def one_form(files: Sequence[FileForm], given: frozenset[str]) -> Form:
    """The format of all files, as a source has one. given: fields that a person wrote, which nothing contradicts.

    Raises InputError with the first file that is written otherwise, the option and what to do.
    """
    merged: Form = {}
    for field in (*_USUAL, "comment"):
        if field in given:
            continue
        shown = [(file, file.form.get(field)) for file in files if _shows(file, field, files)]
        if not shown:
            continue
        first, guess = shown[0]
        for other, another in shown[1:]:
            if _value(field, another) != _value(field, guess):
                raise _differ(field, first.path, guess, other.path, another)
        if guess is not None:
            merged[field] = guess
    return merged


def _shows(file: FileForm, field: str, files: Sequence[FileForm]) -> bool:
    """Whether a file shows an option: one without comments, or without letters beyond ASCII, does not."""
    if field == "comment":
        return field in file.form
    if field == "encoding" and file.in_ascii:
        return any("encoding" in each.form and each.form["encoding"].value == "utf-16" for each in files)
    return True


def _value(field: str, guess: Guess[Any] | None) -> Any:
    return _USUAL.get(field) if guess is None else guess.value


def _differ(field: str, first: Path, guess: Guess[Any] | None, other: Path, another: Guess[Any] | None) -> InputError:
    here, there = _value(field, another), _value(field, guess)
    return InputError(
        f"{other}: its {field} is {here!r}, that of {first.name} is {there!r}: a source has one `{field}`",
        code="files-written-differently",
        field=f"read.{field}",
        value=here,
        fix="Write the files alike, or name the one to draft from. If it is detected wrongly, answer with --read.",
    )
