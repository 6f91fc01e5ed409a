"""The log files of processes: following one while it grows, and keeping it from growing without limit."""

from __future__ import annotations

import shutil
from pathlib import Path

from perennial.secrets import masked

MOST_BYTES = 5_000_000
_MOST_AT_ONCE = 200_000
_TRACEBACK = ("Traceback (most recent call last):", "+ Exception Group Traceback")
_BETWEEN = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)


class Follower:
    """Reads what is added to a log file from now on. The file may not exist yet, and may be cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = path.stat().st_size if path.exists() else 0
        self._rest = b""
        self._folds = False

    def new_lines(self) -> list[str]:
        """The complete lines that were added since the last call, without secrets and blank lines.

        Of a traceback only the last line is returned, the error itself; the file has all of it.
        A file above `MOST_BYTES` is copied to `NAME.1` and emptied: its writer appends, so it goes on at the new end.
        """
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return []
        if size < self._read:
            self._read, self._rest = 0, b""
        if size == self._read:
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            data = file.read(_MOST_AT_ONCE)
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._read > MOST_BYTES:
            shutil.copyfile(self._path, self._path.with_name(self._path.name + ".1"))
            with self._path.open("r+b") as file:
                file.truncate(0)
            self._read = 0
        texts = [line.decode("utf-8", "replace").rstrip() for line in lines if line.strip()]
        return [masked(text) for text in texts if not self._belongs_to_traceback(text)]

    def _belongs_to_traceback(self, text: str) -> bool:
        if text.lstrip().startswith(_TRACEBACK):
            self._folds = True
            return True
        self._folds = self._folds and text.startswith(" ")
        return self._folds or text in _BETWEEN


def last_lines(path: Path, count: int = 20) -> str:
    """The end of a log file, without secrets; empty if there is none."""
    if not path.exists():
        return ""
    return masked("\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]))
