"""Which model versions something may need at any moment."""

from __future__ import annotations

from perennial.ledger.entries import Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, former_release, waiting_challenger


def versions_in_use(ledger: Ledger, usecase: str) -> set[int]:
    """Those that are live, wait, are in a stage, or are what a rollback would bring back."""
    releases = [row.payload for row in ledger.all(usecase, Release)]
    reached = [release for release in (current_release(ledger, usecase), former_release(releases)) if release]
    candidates = [each for release in reached if release.candidate for each in release.candidate.serves]
    served = [*candidates, *(each for release in reached for each in release.serves)]
    waiting = waiting_challenger(ledger, usecase)
    return {each.model.version for each in served} | ({waiting.model.version} if waiting else set())
