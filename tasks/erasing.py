"""Erases rows."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from prefect.settings import get_current_settings

from perennial.erasure.erasing import erase_keys
from perennial.erasure.keys import keys_of
from perennial.erasure.unwritten import wait_until_written
from perennial.ledger.entries import Erased
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tasks.people import acting, given
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=300)
def erase_rows(
    usecase: str, keys_file: str, by: str, reason: str, leave_record: bool, token: str | None
) -> Erased | None:
    """Erase the rows whose keys are in a file; None if none is here."""
    workspace = open_workspace(settings())
    declaration = workspace.use_case(usecase).declaration
    person, keys = acting(declaration, by, token), keys_of(declaration, [], Path(keys_file))
    if api := get_current_settings().api.url:
        wait_until_written(api, datetime.now(UTC))
    erased = erase_keys(workspace, keys, person, given("reason", reason), datetime.now(UTC), leave_record)
    log.info("%s: %s", usecase, f"erasure {erased.number}" if erased else "nothing to erase")
    return erased
