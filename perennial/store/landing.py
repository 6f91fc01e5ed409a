"""The bytes of every batch exactly as they arrived, named by their sha256."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from perennial.errors import TerminalError
from perennial.fault_points import write
from perennial.identity import digest_bytes
from perennial.sources.suffix import SUFFIXES, Suffix
from perennial.whole_file import replacing


@dataclass(frozen=True)
class Landing:
    """Content-addressed files below `folder`, which are never changed."""

    folder: Path

    def keep(self, usecase: str, data: bytes, suffix: str, point: str = "landing") -> str:
        """Store the bytes, once, and return their name `<sha256><suffix>`. Raises DiskFull."""
        name = name_of(data, suffix)
        path = self.folder / usecase / name
        if path.exists():
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        with write(point), replacing(path) as half, half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return name

    def read(self, usecase: str, name: str) -> bytes:
        """The bytes with that name. Raises TerminalError if they are missing or do not match it."""
        path = self.folder / usecase / name
        if not path.exists():
            raise TerminalError(
                f"{usecase}: landed bytes {name} are missing below {self.folder}: restore from a backup"
            )
        data = path.read_bytes()
        if digest_bytes(data) != name.split(".")[0]:
            raise TerminalError(
                f"{usecase}: landed bytes {name} were changed after they arrived: restore from a backup"
            )
        return data


def name_of(data: bytes, suffix: str) -> str:
    """The name under which `Landing.keep` puts bytes: `<sha256><suffix>`."""
    return digest_bytes(data) + suffix


def suffix_of(name: str) -> Suffix:
    """The suffix of a landing's name. Raises ValueError for a name that `keep` never returned."""
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise ValueError(f"{name!r} is not the name of a landing")
