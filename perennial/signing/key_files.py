"""A pair of keys in files: the private one, which only its owner reads, and the public one beside it with `.pub`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from perennial.errors import InputError


def public_beside(file: Path) -> Path:
    """The file of the public key that belongs to a private one."""
    return file.with_name(f"{file.name}.pub")


def in_the_way(file: Path) -> Path | None:
    """The file of a pair that exists already; None if both can be written."""
    return next((each for each in (file, public_beside(file)) if each.exists()), None)


def write_pair(file: Path, private: str, public: str) -> None:
    """Write both files, the private one with mode 600. Raises InputError if the place cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(private)
        public_beside(file).write_text(public, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror}", field="file", fix="Choose a folder you can write to."
        ) from error


def open_to_others(mode: int) -> bool:
    """Whether users other than the owner may read or write a file of that mode."""
    return bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
