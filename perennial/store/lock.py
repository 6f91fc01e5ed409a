"""One process at a time for a step of a use case. The system frees the lock when its holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from perennial.errors import TransientError

_WAIT_SECONDS = 600


@contextmanager
def only_one(locks: Path, usecase: str, step: str) -> Iterator[None]:
    """Hold the step's lock. Raises TransientError when another process keeps it for ten minutes."""
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{usecase}.{step}.lock")
    try:
        with lock.acquire(timeout=_WAIT_SECONDS):
            yield
    except Timeout as error:
        raise TransientError(f"{usecase}: another process has been in {step!r} for {_WAIT_SECONDS} s") from error
