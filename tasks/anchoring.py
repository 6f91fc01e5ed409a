"""Signed heads of the ledger in places outside the home. No run waits for a place, or fails with it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from perennial.governance.anchoring import anchor_head, require_places
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tasks.step import step

log = logging.getLogger("perennial.tasks")


def anchor_if_any(usecase: str) -> None:
    """Anchor the head if places are set, beside a cycle, which goes on if that fails."""
    if settings().anchors:
        anchor_ledger(usecase, return_state=True)


@step(timeout_minutes=5)
def anchor_ledger(usecase: str) -> int:
    """Anchor the head of a use case in every place; return in how many it could not be. The next head covers it."""
    states = anchor_head(open_workspace(settings()), usecase, datetime.now(UTC))
    failed = [each for each in states if each.failed]
    for each in failed:
        log.warning("%s: the ledger's head could not be anchored in %s: %s", usecase, each.place, each.failed)
    return len(failed)


@step(timeout_minutes=5)
def anchored_usecases() -> list[str]:
    """The use cases with a chain to anchor. Raises InputError if no place or no key is set."""
    require_places(settings())
    return open_workspace(settings()).ledger.usecases()
