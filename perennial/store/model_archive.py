"""The archive of old models: one file per version, in a folder or a bucket that costs less than the registry's.

A version's files are one tar file without times and owners, so that the same files make the same bytes.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from perennial.errors import InputError, ModelUnloadable, TerminalError
from perennial.fault_points import write
from perennial.identity import digest_file
from perennial.ledger.entries import ModelArchived
from perennial.ledger.entries.archiving import key_of
from perennial.ledger.ledger import Ledger
from perennial.sources.file_bytes import parts_of
from perennial.store.files import Files, files_at

_UNPACKED: dict[str, tempfile.TemporaryDirectory[str]] = {}
"""Models of the archive that this process has read, by the sha256 of their file; removed when it ends."""


@dataclass(frozen=True)
class ModelArchive:
    """place: its address; None if there is none. scratch: a folder for copies."""

    place: str | None
    scratch: Path

    @cached_property
    def _files(self) -> Files:
        if self.place is None:
            raise InputError(
                "it is not set, so models can neither be archived nor read from the archive",
                code="model-archive-none",
                field="PERENNIAL_MODEL_ARCHIVE",
                fix="Set it to a folder or the address of a bucket: to the same one as before, if models are in one.",
            )
        return files_at(self.place, self.scratch)

    def has(self, entry: ModelArchived) -> bool:
        """Whether the files of a version are there."""
        return self.place is not None and self._files.has(entry.file)

    def absence(self, entry: ModelArchived) -> str:
        """That they are not there, in a clause for people."""
        if self.place is None:
            return f"PERENNIAL_MODEL_ARCHIVE, which {entry.file} is in, is not set"
        return f"{self._files.where(entry.file)} is not there"

    def pack(self, version: int, digest: str, name: str, folder: Path) -> ModelArchived:
        """Write a version's files, read them back, and return the row about it."""
        with tempfile.TemporaryDirectory(prefix="perennial-archive-") as scratch:
            packed = Path(scratch) / "model.tar"
            _pack(folder, packed)
            entry = ModelArchived(
                version=version, digest=digest, file=name, sha256=digest_file(packed), bytes=packed.stat().st_size
            )
            with write("model_archive"):
                self._files.put(name, parts_of(packed))
        self.verify(entry)
        return entry

    def verify(self, entry: ModelArchived) -> None:
        """Raise TerminalError unless the archive has exactly the bytes that are on record."""
        with self._files.local(entry.file) as path:
            if path is None or digest_file(path) != entry.sha256:
                state = "missing" if path is None else "not the one that was archived"
                raise TerminalError(
                    f"the file of version {entry.version} at {self._files.where(entry.file)} is {state}",
                    code="model-archive-damaged",
                    fix="Restore it from a backup.",
                )

    def folder(self, entry: ModelArchived) -> Path:
        """A folder of this machine with the version's files. Raises as `verify`."""
        if entry.sha256 not in _UNPACKED:
            self.verify(entry)
            unpacked = tempfile.TemporaryDirectory(prefix="perennial-model-")
            with self._files.local(entry.file) as path, tarfile.open(path) as packed:
                packed.extractall(unpacked.name, filter="data")
            _UNPACKED[entry.sha256] = unpacked
        return Path(_UNPACKED[entry.sha256].name)

    def remove(self, entry: ModelArchived) -> None:
        """Remove the files of a version, and what this process has unpacked of them."""
        self._files.remove(entry.file)
        if (unpacked := _UNPACKED.pop(entry.sha256, None)) is not None:
            unpacked.cleanup()


def archived(ledger: Ledger, usecase: str, version: int, digest: str) -> ModelArchived | None:
    """The row about a version that was archived with that digest; its files may have been taken back since."""
    row = ledger.get(usecase, ModelArchived, key_of(version, digest))
    return row.payload if row else None


def missing_from_archive(usecase: str, archive: ModelArchive, entry: ModelArchived) -> ModelUnloadable:
    """The error for a version whose files were archived, and are no longer anywhere."""
    return ModelUnloadable(
        f"{usecase}: the files of version {entry.version} were archived, and {archive.absence(entry)}",
        code="model-archive-missing",
        value=entry.version,
        fix="Set PERENNIAL_MODEL_ARCHIVE to the place with that file, or restore it from a backup.",
    )


Archived = Callable[[str, int, str], ModelArchived | None]
"""`archived` of a ledger."""


def _pack(folder: Path, to: Path) -> None:
    with tarfile.open(to, "w") as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = packed.gettarinfo(path, arcname=path.relative_to(folder).as_posix())
            member.mtime, member.mode = 0, 0o644
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            with path.open("rb") as file:
                packed.addfile(member, file)
