"""Looks at the evidence of a stage."""

from __future__ import annotations

from perennial.evaluation.staged.results import Look
from perennial.ledger.entries.entry import Recorded


class StageLooked(Recorded):
    """One look at the stage that a release began, and what it led to. Key: `release_no/number`, counted from 1.

    as_of: by the use case's clock. evidence: digest of all that was looked at; the look can be computed again from it.
    elapsed_days: since the stage began.
    """

    release_no: int
    number: int
    decision: str
    as_of: str
    elapsed_days: float
    evidence: str
    look: Look

    @property
    def key(self) -> str:
        return f"{self.release_no}/{self.number}"
