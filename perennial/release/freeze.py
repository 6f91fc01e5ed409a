"""Freezing releases: while an episode has frozen them, decisions are made but none is carried out.

A person ends it, because only a person can decide that the cause is gone. The newest decision is then carried out if it
releases and nothing else was released since; older ones were superseded, as always.
"""

from __future__ import annotations

from datetime import datetime

from perennial.clock import day, write_instant
from perennial.errors import HeldBack
from perennial.ledger.entries import ReleasesFrozen, ReleasesResumed
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import freezes


def resume(ledger: Ledger, usecase: str, by: str, reason: str, as_of: datetime) -> list[ReleasesFrozen]:
    """End every freeze and return what was ended. Repeating it writes nothing."""
    ended = freezes(ledger, usecase)
    for freeze in ended:
        ledger.append(
            usecase, ReleasesResumed(episode=freeze.episode, by=by, reason=reason, as_of=write_instant(as_of))
        )
    return ended


def freezes_in_words(ledger: Ledger, usecase: str) -> str:
    """Since when nothing is released, and because of what; empty if releases are not frozen."""
    frozen = freezes(ledger, usecase)
    if not frozen:
        return ""
    episodes = ", ".join(each.episode for each in frozen)
    return (
        f"releases are frozen since {day(frozen[0].as_of)} because of "
        f"{'episode' if len(frozen) == 1 else 'episodes'} {episodes}"
    )


def refuse_frozen(ledger: Ledger, usecase: str) -> None:
    """Raise HeldBack while releases are frozen."""
    if words := freezes_in_words(ledger, usecase):
        raise HeldBack(
            f"{usecase}: {words}, until a person resumes them. Nothing was changed.",
            code="releases-frozen",
            value=usecase,
        )
