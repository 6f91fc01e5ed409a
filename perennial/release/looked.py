"""What looks at a stage changed during a cycle, for the cycle's outcome."""

from __future__ import annotations

from perennial.ledger.entries import BatchEntry, Cycle, Release
from perennial.ledger.ledger import Ledger
from perennial.release.words import change_in_words


def looked_in_cycle(ledger: Ledger, usecase: str, batch: BatchEntry) -> list[str]:
    """A clause for each release that a look made in the batch's cycle: a stage was passed, or the candidate taken away.

    Read from the ledger, so that a cycle which was killed and run again names them too.
    """
    finished = [row.position for row in ledger.all(usecase, Cycle) if row.key != batch.batch]
    arrived = ledger.get(usecase, BatchEntry, batch.key)
    begun = max([*finished, arrived.position if arrived else 0])
    rows = [row for row in ledger.all(usecase, Release) if row.position > begun and row.payload.look is not None]
    return [_clause(ledger, usecase, row.payload) for row in rows]


def _clause(ledger: Ledger, usecase: str, release: Release) -> str:
    before = ledger.get(usecase, Release, str(release.release_no - 1))
    changed = change_in_words(release, before.payload if before else None)
    return f"{changed.partition(';')[0]}: {release.reason.rstrip('.')}" if release.kind == "abort" else changed
