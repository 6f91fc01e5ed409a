"""What the ledger says now: who serves, who waits, what time it is for a use case."""

from __future__ import annotations

from datetime import datetime

from perennial.clock import instant
from perennial.store.entries import Approval, BatchEntry, ChallengerEntry, Decision, LabelBatchEntry, Release
from perennial.store.ledger import Ledger


def current_release(ledger: Ledger, usecase: str) -> Release | None:
    """The newest release, or None: "no champion yet" is a state, not a failed look-up."""
    releases = ledger.all(usecase, Release)
    return max((r.payload for r in releases), key=lambda r: r.release_no, default=None)


def waiting_challenger(ledger: Ledger, usecase: str) -> ChallengerEntry | None:
    """The newest challenger if nothing was decided about it yet; older undecided ones it has superseded."""
    challengers = ledger.all(usecase, ChallengerEntry)
    if not challengers:
        return None
    newest = challengers[-1].payload
    decided = {r.payload.challenger_id for r in ledger.all(usecase, Decision)}
    return None if newest.challenger in decided else newest


def says_release(ledger: Ledger, decision: Decision) -> bool:
    """Whether a decision is to be carried out: its policy said so, or a person did where it was left to one."""
    if decision.outcome == "held":
        return ledger.get(decision.usecase, Approval, decision.id) is not None
    return decision.outcome in ("first", "release")


def undone_decision(ledger: Ledger, usecase: str) -> Decision | None:
    """The newest decision if it says release and neither that release nor another followed: a crash came between."""
    decisions = ledger.all(usecase, Decision)
    if not decisions or not says_release(ledger, decisions[-1].payload):
        return None
    newest = decisions[-1].payload
    release = current_release(ledger, usecase)
    return newest if (release.release_no if release else 0) == newest.release_no else None


def replay_clock(ledger: Ledger, usecase: str) -> datetime | None:
    """The replay clock: the moment the newest batch had arrived, or None before the first."""
    arrivals = [r.payload.arrived_at for r in ledger.all(usecase, BatchEntry)]
    arrivals += [r.payload.arrived_at for r in ledger.all(usecase, LabelBatchEntry)]
    return max((instant(a) for a in arrivals), default=None)


def former_release(releases: list[Release]) -> Release | None:
    """What a rollback brings back: the release before the one that serves, earlier rollbacks undone.

    releases: all of a use case. None where nothing served before.
    """
    served: list[Release] = []
    for release in sorted(releases, key=lambda r: r.release_no):
        if release.kind == "rollback":
            served.pop()
        else:
            served.append(release)
    return served[-2] if len(served) > 1 else None
