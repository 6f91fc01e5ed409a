"""One process at a time for a step of a use case. The system releases the lock when its holder dies."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from perennial.errors import TransientError
from perennial.settings import takes_writes

WAIT_SECONDS = 600.0
SOON = 3.0
"""Seconds of waiting that nobody needs to know about."""
RUN = "run"
"""The step of a whole run: while one is at work, others of its use case wait."""

story = logging.getLogger("perennial.story")


@contextmanager
def only_one(locks: Path, usecase: str, step: str, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the step's lock on this machine. Raises TransientError if another process holds it longer than `seconds`."""
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{usecase}.{step}.lock")
    try:
        lock.acquire(timeout=min(SOON, seconds))
    except Timeout:
        if seconds > SOON:
            report_wait(usecase, step, "another process", seconds)
        try:
            lock.acquire(timeout=max(seconds - SOON, 0))
        except Timeout as error:
            raise no_turn(usecase, step, "another process", seconds) from error
    try:
        _since(locks, usecase, step).touch()
        yield
    finally:
        lock.release()


def held_since(locks: Path, usecase: str, step: str) -> datetime | None:
    """Since when a process on this machine holds the step's lock; None if none does, or the home cannot be written.

    To find out, the lock is taken for a moment where it is free.
    """
    path, since = locks / f"{usecase}.{step}.lock", _since(locks, usecase, step)
    if not since.is_file() or not takes_writes(path):
        return None
    try:
        with FileLock(path, timeout=0):
            return None
    except Timeout:
        return datetime.fromtimestamp(since.stat().st_mtime, UTC)


def _since(locks: Path, usecase: str, step: str) -> Path:
    """The file whose time of change is when the lock was taken: others that wait open the lock's own file too."""
    return locks / f"{usecase}.{step}.since"


def report_wait(usecase: str, step: str, holder: str, seconds: float) -> None:
    """Once, when a process has waited for a moment and goes on waiting: a command that shows nothing seems to hang."""
    words = "%s: waits for its turn (%s), up to %.0f minutes; %s is working on it."
    story.warning(words, usecase, step, seconds / 60, holder)


def no_turn(usecase: str, step: str, holder: str, seconds: float) -> TransientError:
    """The error for a wait that took too long."""
    return TransientError(
        f"{usecase}: {holder} is working on it ({step}); gave up after waiting for {seconds:.0f} s",
        fix="Run the same command again when it has finished; what was committed is safe.",
    )
