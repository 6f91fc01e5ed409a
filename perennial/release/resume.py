"""The end of a freeze, and the release that it kept back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from perennial.errors import on_record
from perennial.ledger.entries import Decision, Release, ReleasesFrozen
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import frozen_decision, undone_decision
from perennial.release.freeze import resume
from perennial.release.promote import release_decided


@dataclass(frozen=True)
class Resumed:
    """ended: the freezes that this call ended. decision: what they kept back. made: its release; None without one."""

    ended: tuple[ReleasesFrozen, ...]
    decision: Decision | None
    made: Release | None


def resume_and_release(
    ledger: Ledger,
    usecase: str,
    by: str,
    reason: str,
    as_of: datetime,
    try_out: Callable[[Decision], object] = lambda decision: None,
) -> Resumed:
    """End every freeze and carry out the newest decision if it releases. Repeating it changes nothing more.

    try_out: called with the decision to carry out before anything is written; what it raises is raised.
    Raises ReleaseLost if another release was made in the meantime, LedgerBroken.
    """
    decision = frozen_decision(ledger, usecase) or undone_decision(ledger, usecase)
    if decision is not None:
        try_out(decision)
    ended = tuple(resume(ledger, usecase, by, reason, as_of))
    if decision is None:
        return Resumed(ended, None, None)
    with on_record("the end of the freeze is recorded"):
        return Resumed(ended, decision, release_decided(ledger, decision).payload)
