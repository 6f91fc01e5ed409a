"""A release is one insert under the next release number. Of two concurrent releases one wins; the other is refused."""

from __future__ import annotations

from datetime import datetime

from perennial.clock import instant, write_instant
from perennial.errors import HeldBack, InputError, ReleaseLost, on_record
from perennial.fault_points import write
from perennial.ledger.entries import Approval, ChallengerEntry, Decision, ModelRef, Proof, Release, ReleasesResumed
from perennial.ledger.erased import trained_without
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import (
    approval_of,
    blend_due,
    current_release,
    frozen_decision,
    refusal_of,
    says_release,
)
from perennial.release.freeze import refuse_frozen
from perennial.release.planned_stages import first_stage, full_release, planned_stages
from perennial.store.registry import Beside, Registry

MEMBERS: tuple[Beside, ...] = ("member_2", "member_3", "member_4", "member_5")


def release_decided(ledger: Ledger, decision: Decision) -> Row[Release]:
    """Release the challenger of a decision, or begin its first stage. If that is done already, return that release.

    The decision was taken against release `decision.release_no`, so the release must have the next number. An approved
    challenger is live from the approval, one that a freeze kept back from the end of the freeze, every other one from
    the decision.
    Raises ReleaseLost if another release took that number in the meantime, HeldBack while releases are frozen,
    LedgerBroken.
    """
    refuse_frozen(ledger, decision.usecase)
    if not says_release(ledger, decision) or decision.reference is None:
        raise ValueError(f"decision {decision.id} has the outcome {decision.outcome!r}, which releases nothing")
    row = ledger.get(decision.usecase, Decision, decision.id)
    challenger = ledger.get(decision.usecase, ChallengerEntry, decision.challenger_id)
    if challenger is None:
        raise LookupError(f"challenger {decision.challenger_id} of decision {decision.id} is not in the ledger")
    approval = approval_of(ledger, decision) if decision.outcome == "held" else None
    resumed = _end_of_freeze(ledger, decision)
    sentences = (decision.reasons[0], decision.prefers_alone, decision.recalls, trained_without(challenger.payload))
    because, since = " ".join(filter(None, sentences)), decision.as_of
    if approval is not None:
        because = f"Approved by {approval.payload.by}: {approval.payload.reason}. The comparison: {because}"
        since = approval.payload.as_of
    if resumed is not None:
        because = f"Releases were resumed by {resumed.payload.by}: {resumed.payload.reason}. {because}"
        since = max(since, resumed.payload.as_of, key=instant)
    used = [row.position for row in (row, challenger, approval, resumed) if row is not None]
    made = full_release(decision, challenger.payload.declaration_digest, decision.release_no + 1, since, because)
    stages, live = planned_stages(decision), ledger.get(decision.usecase, Release, str(decision.release_no))
    if stages and live is not None:
        made, used = first_stage(live.payload, made, decision, stages), [*used, live.position]
    return insert_release(ledger, decision.usecase, made, used)


def _end_of_freeze(ledger: Ledger, decision: Decision) -> Row[ReleasesResumed] | None:
    """The end of the freeze that kept a decision from being carried out: the last between it and its release."""
    decided = ledger.get(decision.usecase, Decision, decision.id)
    made = ledger.get(decision.usecase, Release, str(decision.release_no + 1))
    between = [
        row
        for row in ledger.all(decision.usecase, ReleasesResumed)
        if decided is not None and decided.position < row.position and (made is None or row.position < made.position)
    ]
    return between[-1] if between else None


def release_blend(ledger: Ledger, usecase: str, as_of: datetime) -> Row[Release] | None:
    """Start, change or end the blend that a blending policy requires; None if nothing needs to change.

    Raises ReleaseLost if another release was made in the meantime, LedgerBroken.
    """
    due = blend_due(ledger, usecase)
    if due is None:
        return None
    blended = due.release.for_the_next.model_copy(
        update={
            "release_no": due.release.release_no + 1,
            "kind": "blend",
            "serves": due.serves,
            "as_of": write_instant(as_of),
            "decision": due.decision.id,
        }
    )
    live = "are live" if len(blended.serves) > 1 else "alone is live"
    reason = f"By policy {due.decision.policy.name}: {blended.versions} {live}."
    return insert_release(ledger, usecase, blended.model_copy(update={"reason": reason}))


def approve(
    ledger: Ledger, decision: Decision, by: str, reason: str, as_of: datetime, proof: Proof | None = None
) -> tuple[Approval, Row[Release]]:
    """Release the challenger of a held decision that a person approves: (the recorded approval, the release).

    The first approval counts; a later one returns the first. as_of: the use case's time, used for the first approval.
    Raises InputError for a decision that is not held, ReleaseLost if another release was made since it was taken (the
    challenger was never compared with the live model), LedgerBroken.
    """
    refuse_approval(ledger, decision)
    ledger.verify_for_release(decision.usecase, decision.release_no + 1)
    approval, _ = ledger.append(
        decision.usecase, Approval(decision=decision.id, by=by, reason=reason, as_of=write_instant(as_of), proof=proof)
    )
    refuse_refused(ledger, decision)
    with on_record(f"the approval by {approval.payload.by} is recorded"):
        return approval.payload, release_decided(ledger, decision)


def refuse_approval(ledger: Ledger, decision: Decision) -> None:
    """Raise InputError, HeldBack (frozen) or ReleaseLost where a decision cannot be approved. Writes nothing."""
    kept_back = frozen_decision(ledger, decision.usecase)
    if kept_back is not None and kept_back.id == decision.id:
        refuse_frozen(ledger, decision.usecase)
    if decision.outcome != "held":
        raise InputError(
            f"decision {decision.id} has the outcome {decision.outcome!r}; only a held decision can be approved or "
            "refused. Nothing was changed.",
            code="decision-not-held",
            value=decision.id,
        )
    refuse_refused(ledger, decision)
    refuse_frozen(ledger, decision.usecase)
    release = current_release(ledger, decision.usecase)
    live = release.release_no if release else 0
    made = ledger.get(decision.usecase, Release, str(decision.release_no + 1))
    if live != decision.release_no and (made is None or made.payload.decision != decision.id):
        raise ReleaseLost(
            f"decision {decision.id} was taken against release {decision.release_no}, "
            f"but release {live} is live now, with which its challenger was never compared. "
            f"Wait for the next decision. Nothing was changed."
        )


def refuse_refused(ledger: Ledger, decision: Decision) -> None:
    """Raise HeldBack if a person has refused the decision before anybody approved it."""
    refused = refusal_of(ledger, decision)
    if refused is not None:
        raise HeldBack(
            f"decision {decision.id} was refused by {refused.payload.by}: {refused.payload.reason}. Nothing was "
            "released; the next challenger is decided anew.",
            code="decision-refused",
        )


def insert_release(ledger: Ledger, usecase: str, release: Release, used: list[int] | None = None) -> Row[Release]:
    """Write a release under its number after checking the chain. If this release exists already, return it.

    used: positions of the rows that it is based on, checked as well. Raises ReleaseLost, LedgerBroken.
    """
    ledger.verify_for_release(usecase, release.release_no, used or [])
    row, _ = ledger.append(usecase, release)
    if row.payload != release:
        raise lost(usecase, row)
    return row


def lost(usecase: str, taken: Row[Release]) -> ReleaseLost:
    """The error for a release whose number was taken by another."""
    winner = taken.payload
    by = f"decision {winner.decision}" if winner.decision else f"a {winner.kind}"
    why = f" with the reason '{winner.reason}'" if winner.kind == "rollback" else ""
    return ReleaseLost(
        f"{usecase}: release {winner.release_no} was made first, at {taken.recorded_at}, by {by}{why} "
        f"({winner.are_live}), so this release was not made. "
        f"Decide again against the live model."
    )


def mirror_alias(ledger: Ledger, registry: Registry, usecase: str) -> tuple[int | None, int | None]:
    """Update MLflow's aliases from the ledger: (version of `champion` before, version now).

    `member_2` and so on point to the other models of a mixture, `refit` to the version that is live without having been
    evaluated, `shadow` or `candidate` to the one in a stage, if there is one. Raises RegistryDown, TurnLost.
    """
    release = current_release(ledger, usecase)
    former = registry.champion(usecase) if release is not None else None
    if release is None:
        return former, None
    version = release.champion.model.version
    ledger.require_turn(usecase)
    if former != version:
        registry.point_champion(usecase, release.champion.model)
    with write("refit_alias"):
        registry.point_beside(usecase, models_beside(release))
    return former, version


def models_beside(release: Release) -> dict[Beside, ModelRef]:
    """MLflow's aliases for the models beside the champion."""
    beside: dict[Beside, ModelRef] = {}
    if release.refit is not None:
        beside["refit"] = release.refit.model
    for alias, member in zip(MEMBERS, release.evaluated[1:], strict=False):
        beside[alias] = member.model
    if release.candidate is not None:
        beside["shadow" if release.candidate.stage.kind == "shadow" else "candidate"] = release.candidate.model
    return beside
