"""Releasing: one insert under the next release number. Two promoters: one wins, the other learns by whom."""

from __future__ import annotations

from datetime import datetime

from perennial.clock import write_instant
from perennial.errors import HeldBack, ReleaseLost
from perennial.ledger.entries import Approval, ChallengerEntry, Decision, Release, Served
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import blend_due, current_release, former_release, says_release
from perennial.store.registry import Registry


def release_decided(ledger: Ledger, decision: Decision) -> Row[Release]:
    """Release the challenger of a decision that said so; finding it released already is fine.

    The decision was taken against release `decision.release_no`, so only the number after it will do.
    Raises ReleaseLost when another release took that number in the meantime.
    """
    if not says_release(ledger, decision) or decision.reference is None:
        raise ValueError(f"decision {decision.id} says {decision.outcome!r}, which releases nothing")
    challenger = ledger.get(decision.usecase, ChallengerEntry, decision.challenger_id)
    if challenger is None:
        raise LookupError(f"challenger {decision.challenger_id} of decision {decision.id} is not in the ledger")
    return _insert(
        ledger,
        decision.usecase,
        Release(
            release_no=decision.release_no + 1,
            kind="first" if decision.outcome == "first" else "release",
            serves=(Served(model=decision.challenger, challenger=decision.challenger_id, weight=1.0),),
            stage="full",
            as_of=decision.as_of,
            reason=decision.reasons[0],
            decision=decision.id,
            restores=None,
            reference=decision.reference,
            snapshot=decision.snapshot,
            features_digest=decision.features_digest,
            declaration_digest=challenger.payload.declaration_digest,
        ),
    )


def release_blend(ledger: Ledger, usecase: str, as_of: datetime) -> Row[Release] | None:
    """Let what a blending policy wants serve, or end a blend; None where it does already.

    Raises ReleaseLost where somebody released in the meantime.
    """
    due = blend_due(ledger, usecase)
    if due is None:
        return None
    blended = due.release.model_copy(
        update={
            "release_no": due.release.release_no + 1,
            "kind": "blend",
            "serves": due.serves,
            "as_of": write_instant(as_of),
            "decision": due.decision.id,
            "restores": None,
        }
    )
    reason = f"By policy {due.decision.policy.name}: {blended.versions} serve{'' if blended.refit else 's alone'}."
    return _insert(ledger, usecase, blended.model_copy(update={"reason": reason}))


def approve(ledger: Ledger, decision: Decision, by: str, reason: str) -> Row[Release]:
    """Release the challenger of a held decision on a person's word; both are on record.

    Raises HeldBack for a decision that was not left to a person, ReleaseLost where somebody released since it was
    taken: the challenger was never compared with what serves now.
    """
    if decision.outcome != "held":
        raise HeldBack(
            f"decision {decision.id} says {decision.outcome!r}: only a held one waits for a person. "
            f"Nothing was changed."
        )
    release = current_release(ledger, decision.usecase)
    serving = release.release_no if release else 0
    mine = release is not None and release.decision == decision.id
    if serving != decision.release_no and not mine:
        raise ReleaseLost(
            f"decision {decision.id} was taken against release {decision.release_no}, "
            f"but release {serving} serves now. Its challenger was never compared with that; "
            f"wait for the next decision. Nothing was changed."
        )
    ledger.append(decision.usecase, Approval(decision=decision.id, by=by, reason=reason))
    return release_decided(ledger, decision)


def roll_back(ledger: Ledger, usecase: str, as_of: datetime, reason: str, expected: int) -> Row[Release]:
    """Bring the former champion back, with its features, data version and reference, as a new release.

    expected: the release number that the person saw serving.
    Raises HeldBack where nothing served before, ReleaseLost where somebody released in the meantime.
    """
    former = former_release([r.payload for r in ledger.all(usecase, Release)])
    if former is None:
        raise HeldBack(f"{usecase}: there is no former champion to go back to; release {expected} is the first")
    restored = former.model_copy(
        update={
            "release_no": expected + 1,
            "kind": "rollback",
            "as_of": write_instant(as_of),
            "reason": reason,
            "decision": None,
            "restores": former.release_no,
        }
    )
    return _insert(ledger, usecase, restored)


def _insert(ledger: Ledger, usecase: str, release: Release) -> Row[Release]:
    row, _ = ledger.append(usecase, release)
    if row.payload != release:
        winner = row.payload
        raise ReleaseLost(
            f"{usecase}: release {release.release_no} was taken first, at {row.recorded_at}, by "
            f"{f'decision {winner.decision}' if winner.decision else winner.kind} "
            f"({winner.versions} serves). Nothing was changed; decide again against the new champion."
        )
    return row


def mirror_alias(ledger: Ledger, registry: Registry, usecase: str) -> tuple[int | None, int | None]:
    """Let MLflow's aliases follow the ledger: (version that `champion` named before, version it names now).

    `refit` names the version that serves a share beside the champion, if one does. Raises RegistryDown.
    """
    release = current_release(ledger, usecase)
    found = registry.champion(usecase) if release is not None else None
    if release is None:
        return found, None
    version = release.champion.model.version
    if found != version:
        registry.point_champion(usecase, release.champion.model)
    registry.point_refit(usecase, release.refit.model if release.refit else None)
    return found, version
