"""Runs of a fleet that failed for one of its use cases."""

from __future__ import annotations

from perennial.identity import short_id
from perennial.ledger.entries.entry import Recorded


class RunFailed(Recorded):
    """A run that a use case stopped in. Key: `number` and the rest, so the same failure counts once until a success.

    number: how many successes after a failure there were before, plus 1. window: the batch it was at, empty where it
    had not come so far. step: what was being done. why: the first line of the message, without secrets.
    """

    number: int
    window: str
    step: str
    code: str
    why: str

    @property
    def key(self) -> str:
        return f"{self.number}/{short_id([self.window, self.step, self.code, self.why])}"

    @property
    def in_words(self) -> str:
        """`batch 2024-03, decide: the model cannot be loaded`."""
        return f"{f'batch {self.window}, ' if self.window else ''}{self.step}: {self.why}"


class RunSucceeded(Recorded):
    """The first success after a failure. Key: the failure's number."""

    number: int

    @property
    def key(self) -> str:
        return str(self.number)
