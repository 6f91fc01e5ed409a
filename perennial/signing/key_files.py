"""A pair of keys in files: the private one, which only its owner reads, and the public one beside it with `.pub`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from perennial.errors import InputError


def public_beside(file: Path) -> Path:
    """The file of the public key that belongs to a private one."""
    return file.with_name(f"{file.name}.pub")


def refuse_existing(file: Path, *, code: str) -> None:
    """Raise InputError if a file of the pair exists already."""
    there = next((each for each in (file, public_beside(file)) if each.exists()), None)
    if there is not None:
        raise InputError(
            f"{there} exists; a key is never overwritten, since what it signed could not be verified any more",
            code=code,
            field="file",
            value=str(file),
            fix="Choose another file.",
        )


def refuse_no_folder(file: Path) -> None:
    """Raise InputError if the folder of a new key is missing: a mistyped path would leave the key somewhere else."""
    if not file.parent.is_dir():
        raise InputError(
            f"the folder {file.parent} does not exist",
            code="key-folder-missing",
            field="file",
            value=str(file),
            fix=f"Make it, open to its owner only: mkdir -p -m 700 {file.parent}",
        )


def read_key(file: Path, variable: str, *, code: str) -> bytes:
    """What a file of a key holds. variable: where its path is set. Raises InputError if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}",
            code=code,
            field=variable,
            value=str(file),
            fix="Make a key there, or set the variable to the file of one.",
        ) from error


def refuse_open(file: Path, variable: str, signs: str, *, code: str) -> None:
    """Raise InputError if users other than the owner may read or write a private key. signs: what it is for."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(
            f"{file} is open to other users (mode {mode:o}), who could sign {signs} with it",
            code=code,
            field=variable,
            value=str(file),
            fix=f"Run: chmod 600 {file}",
        )


def write_pair(file: Path, private: str, public: str) -> None:
    """Write both files, the private one with mode 600. Raises InputError if the place cannot be written."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(private)
        public_beside(file).write_text(public, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror}", field="file", fix="Choose a folder you can write to."
        ) from error
