"""Removes what is older than its declared retention."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from perennial.erasure.retention import retain
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.declaration import Retention
from perennial.usecase.reading import list_use_cases
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=10)
def retained_usecases() -> list[str]:
    """The use cases that declare a retention."""
    workspace = open_workspace(settings())
    names = list_use_cases(workspace.settings.usecases)
    return [name for name in names if workspace.use_case(name).declaration.retention != Retention()]


@step(timeout_minutes=300)
def retain_rows(usecase: str) -> bool:
    """Whether something was removed. What is older and still needed is logged with the reason."""
    workspace = open_workspace(settings())
    erased, over = retain(workspace, workspace.use_case(usecase).declaration, datetime.now(UTC))
    for each in over.kept:
        log.info("%s: %s: %s is kept: %s", usecase, each.place, each.what, each.why)
    log.info("%s: %s", usecase, f"erasure {erased.number}: {erased.reason}" if erased else "nothing is over")
    return erased is not None
