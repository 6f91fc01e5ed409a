"""Removes what a home keeps and nothing reads, and moves old models to the archive."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from perennial.ledger.entries import ModelArchived
from perennial.release.archiving import archive_models
from perennial.settings import settings
from perennial.store.upkeep import Unread, remove_unread
from perennial.store.workspace import open_workspace
from perennial.usecase.reading import list_use_cases
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=10)
def declared_usecases() -> list[str]:
    """Every use case."""
    return list_use_cases(settings().usecases)


@step(timeout_minutes=120)
def remove_unread_files(usecase: str) -> list[Unread]:
    """Remove files of its tables that no reader opens any more."""
    removed = remove_unread(open_workspace(settings()), usecase, datetime.now(UTC))
    for each in removed:
        log.info("%s: %s: %d data files and %d of the log removed", usecase, each.table, each.data, each.log)
    return removed


@step(timeout_minutes=120)
def archive_old_models(usecase: str) -> list[ModelArchived]:
    """Move the files of its old models to the archive, if there is one."""
    moved = archive_models(open_workspace(settings()), usecase, datetime.now(UTC))
    for each in moved:
        log.info("%s: version %d is archived as %s", usecase, each.version, each.file)
    return moved
