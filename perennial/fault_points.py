"""Named points before and after every write, at which a test may kill the process.

`PERENNIAL_CRASH_AT=batch_row.before` kills the process there, as a power cut would. If it is unset, as in every real
run, a point costs one lookup in the environment.
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
    "validation_file",
    "accepted_table",
    "quarantine_table",
    "batch_row",
    "data_docs",
    "statistics_file",
    "waiver_row",
    "label_landing",
    "labels_table",
    "labels_aside_table",
    "labels_row",
    "predictions_table",
    "batch_scored_row",
    "segment_collected_row",
    "segment_removed",
    "episode_row",
    "episode_rose_row",
    "episode_closed_row",
    "calibration_row",
    "alert_queued_row",
    "alert_delivered_row",
    "alert_failed_row",
    "code_row",
    "batch_followed_row",
    "flips_table",
    "family_row",
    "decision_row",
    "endorsement_row",
    "approval_row",
    "refusal_row",
    "release_row",
    "stage_looked_row",
    "releases_frozen_row",
    "releases_resumed_row",
    "rollback_not_possible_row",
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
    "model_signature",
    "mlflow_version",
    "challenger_row",
    "cycle_row",
    "run_failed_row",
    "run_succeeded_row",
    "anchor",
    "erasure_begun",
    "erased_file",
    "erased_database",
    "erased_landing",
    "erased_table",
    "erased_versions",
    "erased_model",
    "erased_row",
    "erasure_ended",
    "openlineage_event",
    "unread_files",
    "model_archive",
    "model_archived_row",
    "model_files",
    "model_taken_back",
)


_FULL = ("no space left on device", "file too large", "disk quota exceeded", "database or disk is full")
"""The messages of Python, Delta Lake and SQLite. They share no error type, only the system's words."""


def _reach(point: str) -> None:
    if os.environ.get("PERENNIAL_CRASH_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def write(name: str) -> Iterator[None]:
    """Surround one write with its two points.

    Raises ValueError for a name that is not in `WRITES`, DiskFull if the disk is full.
    """
    if name not in WRITES:
        raise ValueError(f"{name!r} is not a known write")
    _reach(f"{name}.before")
    with full_disk(name.replace("_", " ")):
        yield
    _reach(f"{name}.after")


@contextmanager
def full_disk(what: str) -> Iterator[None]:
    """Raises DiskFull if the disk is full. what: that is written."""
    try:
        yield
    except Exception as problem:
        if not any(words in str(problem).lower() for words in _FULL):
            raise
        raise DiskFull(
            f"the disk is full, or a file size limit is reached: {what} could not be written\n"
            "  what was accepted before is safe, and incomplete writes are ignored: free space on the disk of "
            "PERENNIAL_HOME, then run the same command again"
        ) from problem
