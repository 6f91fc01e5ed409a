"""Reading the files of a source, with errors that say whether another try may help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perennial.errors import InputError, TransientError

_PART = 2**22


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises InputError for a file that is not there or may not be read, TransientError for a failing disk."""
    try:
        yield
    except (FileNotFoundError, PermissionError) as problem:
        raise InputError(f"{path}: cannot be read: {problem.strerror}") from problem
    except OSError as problem:
        raise TransientError(f"{path}: cannot be read now: {problem.strerror}") from problem


def bytes_of(path: Path) -> bytes:
    """All bytes of a file. Raises as `reading`."""
    with reading(path):
        return path.read_bytes()


def start_of(path: Path, size: int) -> bytes:
    """The first bytes of a file. Raises as `reading`."""
    with reading(path), path.open("rb") as file:
        return file.read(size)


def parts_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file part by part. Raises as `reading`."""
    with reading(path), path.open("rb") as file:
        while part := file.read(_PART):
            yield part
