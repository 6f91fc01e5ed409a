"""Whether a run of a use case is at work now, and since when."""

from __future__ import annotations

from datetime import datetime

from perennial.ledger.ledger import Ledger
from perennial.settings import Settings
from perennial.store.lock import RUN, held_since


def at_work_since(where: Settings, ledger: Ledger, usecase: str) -> datetime | None:
    """Since when a run has the use case's turn, on any machine that shares the ledger; None if none has."""
    if not where.database_url.startswith("postgresql"):
        return held_since(where.locks, usecase, RUN)
    from perennial.store.lease import leased_since

    return leased_since(ledger, usecase, RUN, where.namespace)
