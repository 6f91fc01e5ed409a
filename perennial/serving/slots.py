"""Where the workers of a service keep what they count, so that any of them can report the counts of all.

A service has a folder, and each of its workers a slot in it: a small file that the worker replaces once per second,
and a lock that it holds while it lives. A worker that takes the place of a killed one takes its slot and continues its
counts, so counters do not fall back. What remains of services that ended is removed when the next one starts.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from perennial.serving.tally import Tally, together
from perennial.whole_file import replacing

MOST_WORKERS = 1024
_STARTS = ".starts"
_LOCK, _TALLY = ".lock", ".tally"


class ServicePlace:
    """The folder of a service, kept while this object is. name: never given twice."""

    def __init__(self, measured: Path, name: str) -> None:
        measured.mkdir(parents=True, exist_ok=True)
        with _alone(measured / _STARTS):
            for left in measured.iterdir():
                if left.is_dir() and not _lives(left):
                    shutil.rmtree(left)
            self.folder = measured / name
            self.folder.mkdir()
            lock = _locked(self.folder / f"service{_LOCK}")
            assert lock is not None, "nobody else knows the folder yet"
            self._lock = lock

    def close(self) -> None:
        """The folder stays until the next service starts: pages show what it counted last."""
        os.close(self._lock)


class Slot:
    """A worker's place in the folder of its service: the first one that no living worker has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for number in range(MOST_WORKERS):
            lock = _locked(folder / f"{number}{_LOCK}")
            if lock is not None:
                self._lock, self._path = lock, folder / f"{number}{_TALLY}"
                return
        raise RuntimeError(f"{folder}: more than {MOST_WORKERS} workers")

    def former(self) -> Tally | None:
        """What a killed worker had counted in this slot; None for the first worker of it."""
        return _read(self._path)

    def keep(self, tally: Tally) -> None:
        """Replace what is kept. Raises OSError, for example on a full disk."""
        data = msgspec.msgpack.encode(tally)
        with replacing(self._path) as half:
            half.write_bytes(data)

    def others(self) -> list[Tally]:
        """What the other workers kept last."""
        return [tally for path in _tallies(self._folder) if path != self._path and (tally := _read(path))]

    def close(self) -> None:
        """Another worker may take the slot."""
        os.close(self._lock)


def tally_of_home(measured: Path) -> Tally | None:
    """What the services of a home have counted, with those that ended since the last start; None without any."""
    folders = sorted(measured.iterdir()) if measured.is_dir() else []
    return together(tally for folder in folders for path in _tallies(folder) if (tally := _read(path)))


def _tallies(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"[0-9]*{_TALLY}"))


def _read(path: Path) -> Tally | None:
    """None if it is not there, or was written by another version."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Tally)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None


def _lives(folder: Path) -> bool:
    """Whether the service, or one of its workers, lives."""
    for path in folder.glob(f"*{_LOCK}"):
        lock = _locked(path)
        if lock is None:
            return True
        os.close(lock)
    return False


def _locked(path: Path) -> int | None:
    """Lock a file; None if another process has locked it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
