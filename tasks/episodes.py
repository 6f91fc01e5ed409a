"""Committing what a batch does to episodes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from perennial.ledger.entries import Episode, EpisodeClosed, EpisodeRose
from perennial.ledger.ledger import Ledger

log = logging.getLogger("perennial.tasks")


def commit_episodes(ledger: Ledger, usecase: str, rows: Sequence[EpisodeClosed | EpisodeRose | Episode]) -> None:
    """Write the rows of `episode_rows`, and report each."""
    for row in rows:
        ledger.append(usecase, row)
        log.warning("%s: episode %s: %s", usecase, row.key, row.detail)
