"""The bytes of every batch exactly as they arrived, named by their sha256."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from perennial.errors import TerminalError, TransientError
from perennial.fault_points import write
from perennial.identity import digest_bytes, digest_file
from perennial.sources.file_bytes import parts_of, reading
from perennial.sources.suffix import SUFFIXES, Suffix
from perennial.whole_file import replacing, write_whole

_ERASED = ".erased"
"""Ends the name of a file that has the name of what is left after an erasure, and nothing if nothing is."""


class LandingRemoved(TerminalError):
    """Landed bytes were removed on purpose, by an erasure or because their retention is over."""

    code = "landing-removed"


@dataclass(frozen=True)
class Landing:
    """Content-addressed files below `folder`, which are never changed; an erasure replaces one by another."""

    folder: Path

    def keep(self, usecase: str, content: bytes | Path, suffix: str, point: str = "landing") -> str:
        """Store the bytes, or a copy of the file that has them, once, and return their name `<sha256><suffix>`.

        Bytes from which rows were erased are not stored again. Raises DiskFull; TransientError for a file that changes
        while it is copied.
        """
        name = name_of(content, suffix)
        path = self.folder / usecase / name
        if path.exists() or self.was_erased(usecase, name):
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        with write(point):
            _write(path, content)
        return name

    def file(self, usecase: str, name: str) -> Path:
        """The file of the bytes with that name, or of what an erasure has left of them.

        Raises TerminalError if it is missing or does not match its name, LandingRemoved if nothing is left.
        """
        name = self.kept_as(usecase, name)
        path = self.folder / usecase / name
        if not path.exists():
            raise TerminalError(
                f"{usecase}: landed bytes {name} are missing below {self.folder}: restore from a backup"
            )
        if digest_file(path) != name.split(".")[0]:
            raise TerminalError(
                f"{usecase}: landed bytes {name} were changed after they arrived: restore from a backup"
            )
        return path

    def read(self, usecase: str, name: str) -> bytes:
        """The bytes with that name, or what an erasure has left of them. Raises as `file`."""
        return self.file(usecase, name).read_bytes()

    def names(self, usecase: str) -> list[str]:
        """The names of all bytes that are there."""
        there = (self.folder / usecase).glob("*")
        return sorted(path.name for path in there if not path.name.startswith(".") and path.suffix in SUFFIXES)

    def was_erased(self, usecase: str, name: str) -> bool:
        """Whether rows were erased from these bytes."""
        return (self.folder / usecase / f"{name}{_ERASED}").exists()

    def kept_as(self, usecase: str, name: str) -> str:
        """The name of what is left of bytes: the same if nothing was erased. Raises LandingRemoved if nothing is."""
        while self.was_erased(usecase, name):
            left = (self.folder / usecase / f"{name}{_ERASED}").read_text(encoding="utf-8")
            if not left:
                raise LandingRemoved(
                    f"{usecase}: landed bytes {name} were removed",
                    value=name,
                    fix="the ledger has the erasure; nothing can be read from them again",
                )
            name = left
        return name

    def erased(self, usecase: str) -> dict[str, str]:
        """Names of bytes from which rows were erased → the name of what was left then; empty if nothing was."""
        notes = (self.folder / usecase).glob(f"*{_ERASED}")
        return {note.name.removesuffix(_ERASED): note.read_text(encoding="utf-8") for note in sorted(notes)}

    def erase(self, usecase: str, name: str, left: bytes | None, suffix: Suffix) -> None:
        """Replace bytes by what is `left` of them, None for nothing. Killed anywhere, the next call goes on."""
        now = "" if left is None else name_of(left, suffix)
        with write("erased_landing"):
            if left is not None and not (self.folder / usecase / now).exists():
                _write(self.folder / usecase / now, left)
            write_whole(self.folder / usecase / f"{name}{_ERASED}", now)
            (self.folder / usecase / name).unlink(missing_ok=True)


def _write(path: Path, content: bytes | Path) -> None:
    with replacing(path) as half, half.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        elif _copied(content, file) != path.name.split(".")[0]:
            raise TransientError(f"{content}: changed while it was read; the next run takes it in")
        file.flush()
        os.fsync(file.fileno())


def _copied(source: Path, to: BinaryIO) -> str:
    """Copy a file part by part; the sha256 (hex) of what was copied."""
    total = hashlib.sha256()
    for part in parts_of(source):
        total.update(part)
        to.write(part)
    return total.hexdigest()


def name_of(content: bytes | Path, suffix: str) -> str:
    """The name under which `Landing.keep` puts bytes: `<sha256><suffix>`. A file is read part by part."""
    if isinstance(content, bytes):
        return digest_bytes(content) + suffix
    with reading(content):
        return digest_file(content) + suffix


def suffix_of(name: str) -> Suffix:
    """The suffix of a landing's name. Raises ValueError for a name that `keep` never returned."""
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise ValueError(f"{name!r} is not the name of a landing")
