"""The current state of a use case by its ledger: the live model, the waiting challenger, its time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.clock import instant
from perennial.errors import InputError
from perennial.ledger.entries import (
    Approval,
    BatchEntry,
    Calibration,
    ChallengerEntry,
    Cycle,
    Decision,
    LabelBatchEntry,
    Refusal,
    Release,
    ReleasesFrozen,
    ReleasesResumed,
    RunFailed,
    RunSucceeded,
    Served,
    Snapshot,
)
from perennial.ledger.folded import Folded
from perennial.ledger.ledger import Ledger, Row
from perennial.usecase.declaration import Declaration


def current_release(ledger: Ledger, usecase: str) -> Release | None:
    """The newest release, or None: "no champion yet" is a state, not a failed lookup."""
    releases = ledger.all(usecase, Release)
    return max((r.payload for r in releases), key=lambda r: r.release_no, default=None)


def made_live(releases: Iterable[Release]) -> Release | None:
    """The newest release that changed the live models; stages and their ends leave them."""
    return max((r for r in releases if not r.leaves_models), key=lambda r: r.release_no, default=None)


def waiting_challenger(ledger: Ledger, usecase: str) -> ChallengerEntry | None:
    """The newest challenger if it is undecided or patience lets it wait. It supersedes older ones."""
    challengers = ledger.all(usecase, ChallengerEntry)
    if not challengers:
        return None
    newest = challengers[-1].payload
    decided = {r.payload.challenger_id for r in ledger.all(usecase, Decision) if not r.payload.policy.waits}
    return None if newest.challenger in decided else newest


def freezes(ledger: Ledger, usecase: str) -> list[ReleasesFrozen]:
    """What keeps anything from being released now: freezes that no person has ended, the oldest first."""
    ended = {row.key for row in ledger.all(usecase, ReleasesResumed)}
    return [row.payload for row in ledger.all(usecase, ReleasesFrozen) if row.key not in ended]


def failures_before(ledger: Ledger, usecase: str) -> int:
    """After how many failures a use case has succeeded."""
    return len(ledger.all(usecase, RunSucceeded))


def standing_failure(ledger: Ledger, usecase: str) -> RunFailed | None:
    """The newest failure of a run in which this use case stopped; None if it has succeeded since."""
    failed = ledger.all(usecase, RunFailed)
    newest = failed[-1].payload if failed else None
    return newest if newest is not None and newest.number > failures_before(ledger, usecase) else None


def says_release(ledger: Ledger, decision: Decision) -> bool:
    """Whether a decision is to be carried out: it releases, and releases are not frozen."""
    return wants_release(ledger, decision) and not freezes(ledger, decision.usecase)


def wants_release(ledger: Ledger, decision: Decision) -> bool:
    """Whether a decision releases: its policy released, or a person approved the held decision."""
    if decision.outcome == "held":
        return approval_of(ledger, decision) is not None
    return decision.outcome in ("first", "release")


def answers(ledger: Ledger, usecase: str) -> dict[str, Row[Approval] | Row[Refusal]]:
    """Decision → what people decided of it. Of an approval and a refusal, the one that came first counts."""
    rows: list[Row[Approval] | Row[Refusal]] = [*ledger.all(usecase, Approval), *ledger.all(usecase, Refusal)]
    return {row.payload.decision: row for row in sorted(rows, key=lambda row: -row.position)}


def approval_of(ledger: Ledger, decision: Decision) -> Row[Approval] | None:
    """The approval of a held decision; None without one, or if a refusal came first."""
    row = answers(ledger, decision.usecase).get(decision.id)
    return row if row is not None and isinstance(row.payload, Approval) else None


def refusal_of(ledger: Ledger, decision: Decision) -> Row[Refusal] | None:
    """The refusal of a held decision; None without one, or if an approval came first."""
    row = answers(ledger, decision.usecase).get(decision.id)
    return row if row is not None and isinstance(row.payload, Refusal) else None


def answer_to(ledger: Ledger, decision: Decision) -> Approval | Refusal | None:
    """What people decided of a held decision; None while it waits, and for any other one."""
    row = answers(ledger, decision.usecase).get(decision.id)
    return row.payload if row else None


def undone_decision(ledger: Ledger, usecase: str) -> Decision | None:
    """The newest decision if it releases and no release followed, because a crash came in between."""
    decisions = ledger.all(usecase, Decision)
    if not decisions or not says_release(ledger, decisions[-1].payload):
        return None
    newest = decisions[-1].payload
    release = current_release(ledger, usecase)
    return newest if (release.release_no if release else 0) == newest.release_no else None


def frozen_decision(ledger: Ledger, usecase: str) -> Decision | None:
    """The newest decision if it releases and only a freeze of releases keeps it from being carried out."""
    decisions = ledger.all(usecase, Decision)
    newest = decisions[-1].payload if decisions else None
    if newest is None or not freezes(ledger, usecase) or not wants_release(ledger, newest):
        return None
    release = current_release(ledger, usecase)
    return newest if (release.release_no if release else 0) == newest.release_no else None


def decision_taken(ledger: Ledger, usecase: str, as_of: datetime) -> Decision | None:
    """The newest decision if it was taken at `as_of` in an unfinished cycle, so that a retry completes it.

    None if it releases but another release took its number: it lost, and that was reported.
    """
    decisions = ledger.all(usecase, Decision)
    newest = decisions[-1].payload if decisions else None
    if newest is None or instant(newest.as_of) != as_of or newest.id in _finished(ledger, usecase):
        return None
    if not says_release(ledger, newest):
        return newest
    made = ledger.get(usecase, Release, str(newest.release_no + 1))
    return newest if made is not None and made.payload.decision == newest.id else None


def newest_calibration(ledger: Ledger, usecase: str) -> Calibration | None:
    """The false-alarm rates measured last, None before the first time."""
    rows = ledger.all(usecase, Calibration)
    return rows[-1].payload if rows else None


def first_with_champion(ledger: Ledger, usecase: str, release: Release) -> Release:
    """The first of the consecutive releases up to this one that have the same champion, whatever refits joined it."""
    return _first_of_champion((row.payload for row in ledger.all(usecase, Release)), release)


def first_live(releases: Collection[Release]) -> int:
    """The number of the first release with the live champion; 0 without any. releases: all of the use case."""
    newest = max(releases, key=lambda each: each.release_no, default=None)
    return _first_of_champion(releases, newest).release_no if newest else 0


def _first_of_champion(releases: Iterable[Release], release: Release) -> Release:
    """As `first_with_champion`, of all releases of the use case."""
    first = release
    for earlier in sorted(releases, key=lambda each: -each.release_no):
        if earlier.release_no < first.release_no:
            if earlier.champion.model.digest != release.champion.model.digest:
                break
            first = earlier
    return first


def release_to_watch(ledger: Ledger, usecase: str, as_of: datetime) -> Release | None:
    """The live release; while a cycle of `as_of` is unfinished the one before, so a retry watches the same model."""
    for row in sorted(ledger.all(usecase, Release), key=lambda r: -r.payload.release_no):
        release = row.payload
        if not _of_unfinished_cycle(ledger, usecase, release, as_of):
            return release
    return None


def _of_unfinished_cycle(ledger: Ledger, usecase: str, release: Release, as_of: datetime) -> bool:
    """Whether a release was made at `as_of` by a decision, an episode or a look of a cycle that is not finished."""
    if instant(release.as_of) != as_of:
        return False
    if release.cause is not None or release.look is not None:
        return all(instant(row.payload.as_of) != as_of for row in ledger.all(usecase, Cycle))
    return release.decision is not None and release.decision not in _finished(ledger, usecase)


def trained_at(ledger: Ledger, usecase: str, as_of: datetime) -> ChallengerEntry | None:
    """The newest challenger if it was trained at `as_of` in an unfinished cycle."""
    challengers = ledger.all(usecase, ChallengerEntry)
    newest = challengers[-1].payload if challengers else None
    if newest is None or instant(newest.as_of) != as_of or newest.challenger in _finished(ledger, usecase):
        return None
    return newest


def _finished(ledger: Ledger, usecase: str) -> set[str | None]:
    """Ids of the decisions and challengers whose cycle is finished."""
    cycles = [r.payload for r in ledger.all(usecase, Cycle)]
    return {c.decision for c in cycles} | {c.challenger for c in cycles}


def _arrive(newest: dict[str, BatchEntry], batch: BatchEntry) -> None:
    newest[batch.window] = batch


_NEWEST = Folded(BatchEntry, dict[str, BatchEntry], _arrive)


def newest_entries(ledger: Ledger, usecase: str) -> dict[str, BatchEntry]:
    """The newest entry of each window, in the order of their first arrival."""
    return _NEWEST.read(ledger, usecase, dict)


def last_batch(batches: Iterable[BatchEntry]) -> BatchEntry | None:
    """The newest revision of the window that arrived last: a new revision of an earlier one does not make it the last.

    batches: every entry, in the order of writing. None without one.
    """
    return next(reversed({batch.window: batch for batch in batches}.values()), None)


def batch_named(ledger: Ledger, usecase: str, window: str | None) -> BatchEntry | None:
    """The newest revision of a window, or with None what arrived last; None before the first batch.

    Raises InputError for a window that was never ingested.
    """
    batches = [row.payload for row in ledger.all(usecase, BatchEntry)]
    if window is not None and window not in {batch.window for batch in batches}:
        raise InputError(f"{usecase}: batch {window!r} was never ingested", code="batch-unknown", value=window)
    return next((batch for batch in reversed(batches) if window in (None, batch.window)), None)


def accepted_batch(ledger: Ledger, usecase: str, window: str | None = None) -> BatchEntry | None:
    """The accepted revision of a window if it is the newest one, or with None of the last window; None without one."""
    accepted = {name: batch for name, batch in newest_entries(ledger, usecase).items() if batch.status == "accepted"}
    return next(reversed(accepted.values()), None) if window is None else accepted.get(window)


def held_batches(ledger: Ledger, usecase: str) -> list[BatchEntry]:
    """Batches whose newest revision is held, in the order of their first arrival."""
    return [batch for batch in newest_entries(ledger, usecase).values() if batch.status == "held"]


def label_files(ledger: Ledger, usecase: str) -> list[LabelBatchEntry]:
    """The newest entry of each label file, in the order of first arrival."""
    return list({row.payload.file: row.payload for row in ledger.all(usecase, LabelBatchEntry)}.values())


def held_labels(ledger: Ledger, usecase: str) -> list[LabelBatchEntry]:
    """Label files that are held."""
    return [file for file in label_files(ledger, usecase) if file.status == "held"]


def open_question(ledger: Ledger, usecase: str) -> Decision | None:
    """The decision that waits for a person: held, neither approved nor refused, with no decision or release since."""
    decisions = ledger.all(usecase, Decision)
    newest = decisions[-1].payload if decisions else None
    if newest is None or newest.outcome != "held" or wants_release(ledger, newest):
        return None
    if refusal_of(ledger, newest) is not None:
        return None
    release = current_release(ledger, usecase)
    return newest if (release.release_no if release else 0) == newest.release_no else None


def _count_arrival(arrived: dict[str, str], batch: BatchEntry) -> None:
    if batch.status == "accepted":
        arrived[batch.window] = batch.arrived_at


_ARRIVED = Folded(BatchEntry, dict[str, str], _count_arrival)


def replay_clock(ledger: Ledger, usecase: str, without: str | None = None) -> datetime | None:
    """The replay clock: the arrival of the newest accepted batch, or None before the first.

    For each window the newest accepted revision counts, so a correction can turn the clock back.
    without: a window to leave out, because a new revision of it is being ingested.
    """
    arrived = _ARRIVED.read(ledger, usecase, dict)
    if without is not None:
        arrived.pop(without, None)
    return max(map(instant, arrived.values()), default=None)


def next_moment(ledger: Ledger, usecase: str) -> datetime | None:
    """The arrival time, on the replay clock, of something that does not move it; None before the first batch.

    It is the clock's time or, if something was trained, decided or released at that time already, the next
    microsecond: what arrives later must not become part of what is settled.
    """
    clock = replay_clock(ledger, usecase)
    if clock is None:
        return None
    kinds: tuple[type[Snapshot] | type[Decision] | type[Cycle], ...] = (Snapshot, Decision, Cycle)
    settled = any(instant(row.payload.as_of) >= clock for kind in kinds for row in ledger.all(usecase, kind))
    return clock + timedelta(microseconds=1) if settled else clock


def after_what_is_settled(ledger: Ledger, usecase: str, moment: datetime) -> datetime:
    """The moment, or where something was trained, decided or finished then or later, the microsecond after that."""
    kinds: tuple[type[Snapshot] | type[Decision] | type[Cycle], ...] = (Snapshot, Decision, Cycle)
    settled = max((instant(row.payload.as_of) for kind in kinds for row in ledger.all(usecase, kind)), default=None)
    return moment if settled is None or settled < moment else settled + timedelta(microseconds=1)


def time_of(ledger: Ledger, declaration: Declaration, now: datetime) -> datetime:
    """A use case's current time by its declared clock; before a replay's first batch `now`, the machine's time."""
    replayed = replay_clock(ledger, declaration.name) if declaration.clock == "replay" else None
    return replayed or now


def former_release(releases: list[Release], *, of_champion: bool = False) -> Release | None:
    """The release that a rollback restores: the previous champion.

    For a blend, or while a candidate is in a stage, it is the tested champion alone. of_champion: the champion itself
    has to go, whether a candidate is in a stage or not.

    releases: all of a use case; those undone by rollbacks are skipped. None if no model was live before.
    """
    tested: list[Release] = []
    ordered = sorted(releases, key=lambda r: r.release_no)
    for release in ordered:
        if release.kind == "rollback":
            while tested[-1].release_no != release.restores:
                tested.pop()
        elif release.kind != "blend" and not release.leaves_models:
            tested.append(release)
    if ordered and (ordered[-1].refit is not None or (ordered[-1].candidate is not None and not of_champion)):
        return tested[-1]
    return tested[-2] if len(tested) > 1 else None


@dataclass(frozen=True)
class BlendDue:
    """The models that should be live in place of a release, and the decision behind that."""

    release: Release
    decision: Decision
    serves: tuple[Served, ...]


def blend_due(ledger: Ledger, usecase: str) -> BlendDue | None:
    """The models that should be live by the newest decision and refit; None if they already are.

    A release made since the decision, such as a rollback, stays until the next decision. A held decision changes
    nothing by itself.
    """
    release, decisions = current_release(ledger, usecase), ledger.all(usecase, Decision)
    if release is None or release.candidate is not None or not decisions or freezes(ledger, usecase):
        return None
    newest = decisions[-1].payload
    if newest.outcome == "held":
        return None
    if release.release_no != newest.release_no and release.decision != newest.id:
        return None
    due = release.evaluated
    if newest.policy.refit_weight:
        refit = waiting_challenger(ledger, usecase)
        if refit is None:
            return None
        due = (
            *(each.model_copy(update={"weight": each.weight * (1 - newest.policy.refit_weight)}) for each in due),
            Served(model=refit.model, challenger=refit.challenger, weight=newest.policy.refit_weight),
        )
    return BlendDue(release, newest, due) if due != release.serves else None
