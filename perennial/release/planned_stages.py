"""The stages that a decision's release goes through, as declared when it was taken, and the first of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennial.clock import instant
from perennial.evaluation.figures import percent
from perennial.ledger.entries import Candidate, Decision, PlannedStage, Release
from perennial.usecase.declaration import ReleaseRules


def planned_stages(decision: Decision) -> tuple[PlannedStage, ...]:
    """The stages before all keys; empty for a first model, which there is no champion to try it beside."""
    if not decision.release_no:
        return ()
    declared = _rules(decision).stages
    return tuple(
        PlannedStage(kind=each.kind, share=each.share, days=each.length.total_seconds() / 86400)
        for each in declared
        if each.kind != "full"
    )


def first_stage(live: Release, full: Release, decision: Decision, stages: tuple[PlannedStage, ...]) -> Release:
    """The release that begins the first stage. live: the release it follows. full: the one without stages."""
    served = full.serves[0]
    candidate = Candidate(
        model=served.model,
        challenger=served.challenger,
        decision=decision.id,
        features_digest=full.features_digest,
        stages=stages,
        feedback=_rules(decision).feedback,
        at=0,
        since=full.as_of,
        mixture=full.serves if full.tested else None,
    )
    return live.for_the_next.model_copy(
        update={
            "release_no": full.release_no,
            "kind": "stage",
            "stage": candidate.stage.kind,
            "candidate": candidate,
            "as_of": full.as_of,
            "reason": full.reason,
            "decision": decision.id,
            "live_since": live.since,
        }
    )


def full_release(decision: Decision, declaration_digest: str, release_no: int, as_of: str, reason: str) -> Release:
    """The release of a decision's challenger for all keys. Raises ValueError for a decision that releases nothing."""
    if decision.reference is None:
        raise ValueError(f"decision {decision.id} has the outcome {decision.outcome!r}, which releases nothing")
    return Release(
        release_no=release_no,
        kind="first" if decision.release_no == 0 else "release",
        serves=decision.releases,
        stage="full",
        as_of=as_of,
        reason=reason,
        decision=decision.id,
        restores=None,
        reference=decision.reference,
        snapshot=decision.snapshot,
        features_digest=decision.features_digest,
        declaration_digest=declaration_digest,
        tested=len(decision.releases) if len(decision.releases) > 1 else None,
    )


def stage_in_words(stage: PlannedStage) -> str:
    """`a shadow`, or `a canary of 10 %`.

    >>> stage_in_words(PlannedStage(kind="canary", share=0.1, days=7))
    'a canary of 10 %'
    """
    return "a shadow" if stage.kind == "shadow" else f"a canary of {percent(stage.share)}"


def ends_at(candidate: Candidate) -> datetime:
    """When its stage has lasted as long as planned."""
    return instant(candidate.since) + timedelta(days=candidate.stage.days)


def begins_with(decision: Decision) -> str:
    """The first stage of a decision's release, in words; empty without stages."""
    stages = planned_stages(decision)
    return stage_in_words(stages[0]) if stages else ""


def _rules(decision: Decision) -> ReleaseRules:
    return ReleaseRules.model_validate(decision.policy.parameters)
