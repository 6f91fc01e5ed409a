"""Whether a run of a use case is at work now, and since when."""

from __future__ import annotations

from datetime import datetime

from perennial.ledger.ledger import Ledger
from perennial.settings import Settings
from perennial.store.lock import RUN, held_since


def at_work_since(where: Settings, ledger: Ledger, usecase: str, step: str = RUN) -> datetime | None:
    """Since when a process has the use case's turn, on any machine that shares the ledger; None if none has.

    step: what it has the turn for; by default a whole run.
    """
    if not where.database_url.startswith("postgresql"):
        return held_since(where.locks, usecase, step)
    from perennial.store.lease import leased_since

    return leased_since(ledger, usecase, step, where.namespace)
