"""One process at a time for a step of a use case. The system releases the lock when its holder dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from perennial.errors import TransientError

WAIT_SECONDS = 600.0

Waits = Callable[[str], None]
"""Called once with a description of the lock's holder, by a process that has to wait."""


@contextmanager
def only_one(
    locks: Path, usecase: str, step: str, seconds: float = WAIT_SECONDS, waits: Waits | None = None
) -> Iterator[None]:
    """Hold the step's lock on this machine. Raises TransientError if another process holds it longer than `seconds`."""
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{usecase}.{step}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waits is not None:
            waits("another process")
        try:
            lock.acquire(timeout=seconds)
        except Timeout as error:
            raise no_turn(usecase, step, "another process", seconds) from error
    try:
        yield
    finally:
        lock.release()


def no_turn(usecase: str, step: str, holder: str, seconds: float) -> TransientError:
    """The error for a wait that took too long."""
    return TransientError(
        f"{usecase}: {holder} is working on it ({step}); gave up after waiting for {seconds:.0f} s",
        fix="Run the same command again when it has finished; what was committed is safe.",
    )
