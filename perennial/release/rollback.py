"""Rollback: the previous champion is live again, as a new release. Repeating a request rolls back once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from perennial.clock import instant, write_instant
from perennial.errors import HeldBack, InputError
from perennial.ledger.entries import Release
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import former_release
from perennial.release.planned_stages import stage_in_words
from perennial.release.promote import insert_release, lost


@dataclass(frozen=True)
class RolledBack:
    """A release that was rolled back.

    row: the release that restored the previous champion. made: whether this call wrote it.
    taken_back: the release that was live before. live: the one that is live now.
    """

    row: Row[Release]
    made: bool
    taken_back: Release
    live: Release


@dataclass(frozen=True)
class Rollback:
    """A rollback that is possible. former: the release to restore. live: the one that it replaces."""

    former: Row[Release]
    live: Row[Release]


def plan_rollback(
    ledger: Ledger,
    usecase: str,
    reason: str,
    seen: int | None = None,
    *,
    of_champion: bool = False,
    asked_at: datetime | None = None,
) -> Rollback | RolledBack:
    """What a request would do: the possible rollback, or the one that the same request made before.

    Arguments as for `roll_back`. Writes nothing. Raises HeldBack, InputError and ReleaseLost as `roll_back` does.
    """
    rows = sorted(ledger.all(usecase, Release), key=lambda row: row.payload.release_no)
    if not rows:
        message = f"{usecase}: no model was ever released, so there is nothing to roll back to"
        raise InputError(message, code="rollback-nothing", value=usecase)
    releases, live = {row.payload.release_no: row.payload for row in rows}, rows[-1].payload
    earlier = _same_request(rows, reason, seen)
    if earlier is not None:
        return RolledBack(earlier, False, releases[earlier.payload.release_no - 1], live)
    if seen is not None and seen not in releases:
        message = f"{usecase} has no release {seen}; release {live.release_no} is live"
        raise InputError(message, code="release-unknown", field="from", value=seen)
    if seen is not None and seen != live.release_no:
        raise lost(usecase, rows[seen])
    former = former_release(list(releases.values()), of_champion=of_champion)
    went_back = _went_back(rows)
    if seen is None and live.kind == "rollback" and not live.leaves_models:
        raise _held_back(usecase, rows[-1], went_back, "To go further back")
    if former is None:
        raise InputError(
            f"{usecase}: there is no previous champion to roll back to; none was live before release {live.release_no}"
            f"{f', which {went_back}' if went_back else ''}",
            code="rollback-nothing",
            value=usecase,
        )
    if seen is None and went_back:
        raise _held_back(usecase, rows[-1], went_back, f"To take {live.versions} back too")
    if seen is None and asked_at is not None and asked_at < instant(rows[-1].recorded_at):
        raise _held_back(usecase, rows[-1], "was made after this rollback was requested", "To undo that release")
    return Rollback(rows[former.release_no - 1], rows[-1])


def roll_back(
    ledger: Ledger,
    usecase: str,
    as_of: datetime,
    reason: str,
    seen: int | None = None,
    try_out: Callable[[Release], object] = lambda release: None,
    cause: str | None = None,
    *,
    by: str | None = None,
    of_champion: bool = False,
    asked_at: datetime | None = None,
) -> RolledBack:
    """Restore the previous champion, with its features, data version and reference, as a new release.

    While a candidate is in a stage, this takes the candidate away and leaves the champion, unless `of_champion`.

    A request rolls back once, however often it is repeated. It is identified by the release that it rolls back,
    `seen`, or without that number by its reason: the newest rollback with that reason is then the same request.
    Without that number, nothing is taken back after a rollback, or after a stage took its candidate away: whoever
    asked at the same moment meant the release before it.
    cause: the episode that rolls back, None for a person. by: that person, None if nobody is named.
    asked_at: when the request was made, by the clock of `recorded_at`. Without `seen`, a release that was recorded
    later is not rolled back. None: the request is made now.
    try_out: called with the release to restore before anything is written; what it raises is raised.
    Raises InputError if there is nothing to roll back to or the release is unknown; HeldBack if `seen` has to name
    the live release; ReleaseLost if another release came first; LedgerBroken.
    """
    plan = plan_rollback(ledger, usecase, reason, seen, of_champion=of_champion, asked_at=asked_at)
    if isinstance(plan, RolledBack):
        return plan
    former, live = plan.former.payload, plan.live.payload
    try_out(former)
    restored = former.for_the_next.model_copy(
        update={
            "release_no": live.release_no + 1,
            "kind": "rollback",
            "as_of": write_instant(as_of),
            "reason": reason,
            "restores": former.release_no,
            "cause": cause,
            "by": by,
            "live_since": live.since if live.candidate is not None and not of_champion else None,
        }
    )
    row = insert_release(ledger, usecase, restored, [plan.former.position, plan.live.position])
    return RolledBack(row, True, live, row.payload)


def _went_back(rows: Sequence[Row[Release]]) -> str:
    """What the live release took back, and when and why, as a predicate; empty if it took nothing back."""
    live, at = rows[-1].payload, rows[-1].recorded_at
    if live.kind == "rollback" and not live.leaves_models:
        return f"is itself a rollback: it restored {live.versions} at {at} (reason: {live.reason})"
    before = rows[-2].payload if len(rows) > 1 else None
    if live.kind not in ("rollback", "abort") or before is None or before.candidate is None:
        return ""
    candidate = before.candidate
    return f"took {candidate.versions} out of {stage_in_words(candidate.stage)} at {at} (reason: {live.reason})"


def _held_back(usecase: str, live: Row[Release], why: str, to_do: str) -> HeldBack:
    number = live.payload.release_no
    return HeldBack(
        f"{usecase}: release {number} is live and {why}. Nothing more was changed. {to_do}, name release {number}.",
        code="rollback-live",
        value=number,
    )


def _same_request(rows: Sequence[Row[Release]], reason: str, seen: int | None) -> Row[Release] | None:
    """The rollback that this request made earlier, or None. rows: by release number, from 1 without gaps."""
    if seen is not None:
        after = rows[seen : seen + 1] if seen > 0 else ()
        return next((row for row in after if row.payload.kind == "rollback"), None)
    same = [row for row in rows if row.payload.kind == "rollback" and row.payload.reason == reason]
    return same[-1] if same else None
