"""The database of Prefect's server, migrated once and copied: its migrations take a server half of its start.

The first server of the tests migrates its own, as every first start of a home does.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock

MADE_ONCE = "TEST_PREFECT_DATABASE"
"""The variable with the file that is copied."""


@contextmanager
def migrated_once(database: Path) -> Iterator[None]:
    """While a server starts on this database: the first one migrates it, and later ones find a copy of that."""
    made = Path(os.environ[MADE_ONCE])
    made.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(made.with_name("making.lock")):
        if not copy_database(database):
            yield
            _keep(database, made)
            return
    yield


def copy_database(to: Path) -> bool:
    """Put a migrated database there. Returns whether there is one by now; without it, a server migrates its own."""
    made = Path(os.environ[MADE_ONCE])
    if not made.exists():
        return False
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, to)
    return True


def _keep(database: Path, made: Path) -> None:
    half = made.with_name("half.db")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(half)) as target:
        source.backup(target)
    half.replace(made)
