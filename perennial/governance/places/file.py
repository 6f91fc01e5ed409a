"""A file on another disk or host: anchors are appended to it and never changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from perennial.governance.anchor import Anchor, separated
from perennial.governance.places import NotDelivered


@dataclass(frozen=True)
class AnchorFile:
    """A file that grows by one note for each anchor."""

    path: Path

    @property
    def shown(self) -> str:
        """Its address."""
        return f"file:{self.path}"

    def read(self) -> str:
        """Empty if there is no file yet."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise NotDelivered(f"{self.path} cannot be read: {error.strerror}") from error

    def add(self, anchor: Anchor, note: str) -> None:
        """In one write, synced to disk. The folder must exist: a mount that is absent is not replaced by a folder."""
        try:
            added = separated(note, self.read()).encode()
            with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), "wb", 0) as opened:
                opened.write(added)
                os.fsync(opened.fileno())
        except OSError as error:
            raise NotDelivered(f"{self.path} cannot be written: {error.strerror}") from error

    def finish(self) -> None:
        """Nothing: an anchor is in the file or not."""


def open_place(address: str, _: Path) -> AnchorFile:
    """The file of `file:/path`."""
    return AnchorFile(Path(address.partition(":")[2]))
