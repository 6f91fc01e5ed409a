"""The bytes of every batch exactly as they arrived, named by their sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perennial.errors import TerminalError, TransientError
from perennial.fault_points import write
from perennial.identity import digest_bytes, digest_file
from perennial.sources.file_bytes import parts_of, reading
from perennial.sources.suffix import SUFFIXES, Suffix
from perennial.store.files import Files

_FOLDER = "landing"
_ERASED = ".erased"
"""Ends the name of a file that has the name of what is left after an erasure, and nothing if nothing is."""


class LandingRemoved(TerminalError):
    """Landed bytes were removed on purpose, by an erasure or because their retention is over."""

    code = "landing-removed"


@dataclass(frozen=True)
class Landing:
    """Content-addressed files, which are never changed; an erasure replaces one by another."""

    files: Files

    def keep(self, usecase: str, content: bytes | Path, suffix: str, point: str = "landing") -> str:
        """Store the bytes, or a copy of the file that has them, once, and return their name `<sha256><suffix>`.

        Bytes from which rows were erased are not stored again, even if that was done while they were written. Raises
        DiskFull; TransientError for a file that changes while it is copied.
        """
        name = name_of(content, suffix)
        if self.files.has(_at(usecase, name)) or self.was_erased(usecase, name):
            return name
        with write(point):
            self.files.put(_at(usecase, name), content if isinstance(content, bytes) else _copied(content, name))
            if self.was_erased(usecase, name):
                self.files.remove(_at(usecase, name))
        return name

    @contextmanager
    def file(self, usecase: str, name: str) -> Iterator[Path]:
        """A file on this machine with these bytes, or with what an erasure has left of them; not to be changed.

        Raises TerminalError if it is missing or does not match its name, LandingRemoved if nothing is left.
        """
        name = self.kept_as(usecase, name)
        with self.files.local(_at(usecase, name)) as path:
            if path is None:
                raise self._missing(usecase, name)
            if digest_file(path) != name.split(".")[0]:
                raise TerminalError(
                    f"{usecase}: landed bytes {name} were changed after they arrived: restore from a backup"
                )
            yield path

    def place(self, usecase: str, name: str) -> str:
        """The name in `files` of these bytes, or of what an erasure has left of them."""
        return _at(usecase, self.kept_as(usecase, name))

    def read(self, usecase: str, name: str) -> bytes:
        """The bytes with that name, or what an erasure has left of them. Raises as `file`."""
        with self.file(usecase, name) as path:
            return path.read_bytes()

    def as_stored(self, usecase: str, name: str) -> bytes:
        """The bytes under exactly that name, whether or not they match it. Raises TerminalError if there are none."""
        if (data := self.files.get(_at(usecase, name))) is None:
            raise self._missing(usecase, name)
        return data

    def names(self, usecase: str) -> list[str]:
        """The names of all bytes that are there."""
        return [name for name in self.files.names(f"{_FOLDER}/{usecase}") if name.endswith(SUFFIXES)]

    def was_erased(self, usecase: str, name: str) -> bool:
        """Whether rows were erased from these bytes."""
        return self.files.has(_at(usecase, f"{name}{_ERASED}"))

    def kept_as(self, usecase: str, name: str) -> str:
        """The name of what is left of bytes: the same if nothing was erased. Raises LandingRemoved if nothing is."""
        while (left := self.files.get(_at(usecase, f"{name}{_ERASED}"))) is not None:
            if not left:
                raise LandingRemoved(
                    f"{usecase}: landed bytes {name} were removed",
                    value=name,
                    fix="the ledger has the erasure; nothing can be read from them again",
                )
            name = left.decode()
        return name

    def erased(self, usecase: str) -> dict[str, str]:
        """Names of bytes from which rows were erased → the name of what was left then; empty if nothing was."""
        notes = [name for name in self.files.names(f"{_FOLDER}/{usecase}") if name.endswith(_ERASED)]
        left = {name.removesuffix(_ERASED): self.files.get(_at(usecase, name)) for name in notes}
        return {name: now.decode() for name, now in left.items() if now is not None}

    def erase(self, usecase: str, name: str, left: bytes | None, suffix: Suffix) -> None:
        """Replace bytes by what is `left` of them, None for nothing. Killed anywhere, the next call goes on."""
        now = "" if left is None else name_of(left, suffix)
        with write("erased_landing"):
            if left is not None and not self.files.has(_at(usecase, now)):
                self.files.put(_at(usecase, now), left)
            self.files.put(_at(usecase, f"{name}{_ERASED}"), now.encode())
            self.files.remove(_at(usecase, name))

    def _missing(self, usecase: str, name: str) -> TerminalError:
        where = self.files.where(_FOLDER)
        return TerminalError(f"{usecase}: landed bytes {name} are missing below {where}: restore from a backup")


def _at(usecase: str, name: str) -> str:
    return f"{_FOLDER}/{usecase}/{name}"


def _copied(source: Path, name: str) -> Iterator[bytes]:
    """The bytes of a file part by part. Raises TransientError at the end if they do not match the name."""
    total = hashlib.sha256()
    for part in parts_of(source):
        total.update(part)
        yield part
    if total.hexdigest() != name.split(".")[0]:
        raise TransientError(f"{source}: changed while it was read; the next run takes it in")


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
