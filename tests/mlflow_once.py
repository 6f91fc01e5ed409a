"""MLflow's database, made once and copied into each home, whose 67 migrations would take two seconds in each.

`tests/crashes/test_first_start.py` makes it as a home does.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

from perennial.store.registry import registry

MADE_ONCE = "TEST_MLFLOW_DATABASE"
"""The variable with the file that is copied, which the first process that needs it makes."""

made_anew = registry._make_database


def copy_databases() -> None:
    """From now on this process copies MLflow's database where it would make it."""
    registry._make_database = _copied


def _copied(path: Path) -> None:
    read_newest_revision_once()
    made = Path(os.environ[MADE_ONCE])
    made_anew(made)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{os.getpid()}.half")
        shutil.copyfile(made, half)
        with suppress(FileExistsError):  # another process was quicker
            os.link(half, path)
        half.unlink()


@cache
def read_newest_revision_once() -> None:
    """For each database that it opens, MLflow reads all migrations to learn the name of the newest."""
    from mlflow.store.db import utils

    utils._get_latest_schema_revision = cache(utils._get_latest_schema_revision)
