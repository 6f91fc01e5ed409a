"""A file with one event per line, to be read by whatever collects it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from perennial.identity import canonical_json
from perennial.lineage.receivers import NotReceived

_BLOCK = 4096


@dataclass(frozen=True)
class EventFile:
    """JSON lines."""

    path: Path

    @property
    def shown(self) -> str:
        """Its address."""
        return f"file:{self.path}"

    def take(self, event: dict[str, Any]) -> None:
        """In one write, synced to disk. The beginning of a line that a power failure left is removed first."""
        line = f"{canonical_json(event)}\n".encode()
        try:
            with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", 0) as opened:
                opened.truncate(_end_of_lines(opened))
                opened.seek(0, os.SEEK_END)
                opened.write(line)
                os.fsync(opened.fileno())
        except OSError as error:
            raise NotReceived(f"{self.path} cannot be written: {error.strerror}") from error


def _end_of_lines(opened: IO[bytes]) -> int:
    """Where the last whole line ends. Read from the end: the cost does not grow with the file."""
    end = opened.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _BLOCK)
        opened.seek(start)
        newline = opened.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def open_receiver(address: str, _: str | None) -> EventFile:
    """The file of `file:/path`."""
    return EventFile(Path(address.partition(":")[2]))
