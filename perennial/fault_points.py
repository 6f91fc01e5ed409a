"""Named points before and after every write, where a test may kill the process.

`PERENNIAL_CRASH_AT=batch_row.before` makes the process die there as by a power cut.
Unset, as in every real run, a point costs one look at the environment.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from perennial.errors import DiskFull

WRITES = (
    "declaration_row",
    "landing",
    "accepted_table",
    "quarantine_table",
    "batch_row",
    "waiver_row",
    "label_landing",
    "labels_table",
    "labels_row",
    "episode_row",
    "episode_closed_row",
    "code_row",
    "flips_table",
    "decision_row",
    "approval_row",
    "release_row",
    "alias",
    "refit_alias",
    "alias_moved_row",
    "alias_put_back_row",
    "page",
    "sweep",
    "run_marked_failed",
    "race_row",
    "snapshot_row",
    "mlflow_run",
    "mlflow_version",
    "challenger_row",
    "cycle_row",
)
POINTS = tuple(f"{write}.{side}" for write in WRITES for side in ("before", "after"))


_FULL = ("no space left on device", "file too large", "disk quota exceeded", "database or disk is full")
"""How Python, Delta Lake and SQLite tell it: they share no type of error, only the system's words."""


def _reach(point: str) -> None:
    if os.environ.get("PERENNIAL_CRASH_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def write(name: str) -> Iterator[None]:
    """Surround one write with its two points.

    Raises ValueError for a name that `WRITES` does not list, DiskFull where the disk takes no more.
    """
    if name not in WRITES:
        raise ValueError(f"{name!r} is not a known write")
    _reach(f"{name}.before")
    try:
        yield
    except Exception as problem:
        if not any(words in str(problem).lower() for words in _FULL):
            raise
        raise DiskFull(
            f"the disk is full, or a limit on its files is reached: {name.replace('_', ' ')} could not be written\n"
            "  what was accepted before is safe and nothing half written counts: free space where PERENNIAL_HOME lies, "
            "then run the same command again"
        ) from problem
    _reach(f"{name}.after")
