"""The custom Python files that a declaration names, and their text."""

from __future__ import annotations

import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from perennial.errors import InputError
from perennial.identity import digest_bytes
from perennial.usecase.built_in import built_in


@dataclass(frozen=True)
class TeamCode:
    """The text of every file that a declaration names, at the time the declaration was read.

    texts: file, as written in the declaration → its text. Comments and spacing count too.
    """

    texts: Mapping[str, str]

    @property
    def digests(self) -> dict[str, str]:
        """File → sha256 of its text."""
        return {file: digest_of(text) for file, text in self.texts.items()}

    def of(self, functions: Iterable[str]) -> dict[str, str]:
        """File → text, for the files of these functions (`file.py:function`)."""
        return {file: self.texts[file] for file in files_of(functions)}


def code_of(functions: Iterable[str], folder: Path) -> TeamCode:
    """The code that these functions depend on, read from `folder`. Raises InputError for a file that cannot be read."""
    texts = {}
    for file in files_of(functions):
        try:
            with tokenize.open(folder / file) as opened:
                texts[file] = opened.read()
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise InputError(f"{folder / file} cannot be read: {error}. The declaration needs it.") from error
    return TeamCode(texts)


def digest_of(text: str) -> str:
    """sha256 of the text of a file, which is its key in the ledger."""
    return digest_bytes(text.encode())


def files_of(functions: Iterable[str]) -> list[str]:
    """The files of `file.py:function`, each once, in order of their names. Built-in features have none."""
    return sorted({function.partition(":")[0] for function in functions if built_in(function) is None})
