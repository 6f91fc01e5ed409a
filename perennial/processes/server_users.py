"""Who uses the embedded Prefect server, from before it answers: a process leaves a file that its end makes void."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from perennial.processes.process_group import alive
from perennial.whole_file import write_whole


def note_user(home: Path) -> None:
    """Note this process as a user of the server of Prefect's folder, and remove the notes of those that have ended."""
    users = _folder(home)
    users.mkdir(parents=True, exist_ok=True)
    for note in users.iterdir():
        if not _counts(note):
            note.unlink(missing_ok=True)
    write_whole(users / str(os.getpid()), repr(psutil.Process().create_time()))


def users_of(home: Path) -> set[int]:
    """The processes that use the server, or wait for it to start."""
    return {int(note.name) for note in _folder(home).glob("*") if _counts(note)}


def _counts(note: Path) -> bool:
    try:
        return alive(int(note.name), float(note.read_text()))
    except (OSError, ValueError):
        return False  # removed meanwhile, or left by a crash while it was written


def _folder(home: Path) -> Path:
    return home / "users"
