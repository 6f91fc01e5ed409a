"""OpenLineage events from the ledger to those who collect them. No run waits for a receiver, or fails with it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from perennial.lineage.sending import require_receivers, send_events
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tasks.step import step

log = logging.getLogger("perennial.tasks")


def send_lineage_if_any(usecase: str) -> None:
    """Send events if receivers are set, at the end of a cycle, which goes on if that fails."""
    if settings().openlineage:
        send_lineage(usecase, return_state=True)


@step(timeout_minutes=10)
def send_lineage(usecase: str) -> int:
    """Send what each receiver has not taken yet; return how many failed. They get it the next time."""
    failed = [each for each in send_events(open_workspace(settings()), usecase, datetime.now(UTC)) if each.failed]
    for each in failed:
        log.warning("%s: events could not be sent to %s: %s", usecase, each.receiver, each.failed)
    return len(failed)


@step(timeout_minutes=5)
def usecases_with_lineage() -> list[str]:
    """The use cases that have rows. Raises InputError if no receiver is set."""
    require_receivers(settings())
    return open_workspace(settings()).ledger.usecases()
