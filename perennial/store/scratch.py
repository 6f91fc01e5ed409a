"""A folder for large files that are of no use after their process; what a killed process left is removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

_HELD = ".held"


@contextmanager
def scratch_folder(place: Path) -> Iterator[Path]:
    """An empty folder below `place`, until the end of the block."""
    remove_left(place)
    folder = place / f"fit-{uuid4().hex}"
    with FileLock(folder.with_suffix(_HELD)) as held:
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
            Path(held.lock_file).unlink()


def remove_left(place: Path) -> None:
    """Remove the folders whose process has ended: the system then released their locks."""
    for held in place.glob(f"fit-*{_HELD}"):
        with suppress(Timeout), FileLock(held, timeout=0):
            shutil.rmtree(held.with_suffix(""), ignore_errors=True)
            held.unlink()
