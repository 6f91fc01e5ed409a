"""A release with a candidate in a stage, written as the flow that advances stages writes it."""

from __future__ import annotations

from typing import Any

from perennial.ledger.entries import Candidate, ChallengerEntry, PlannedStage, Release
from perennial.ledger.present import current_release
from perennial.store.workspace import Workspace

AT = "2024-06-01T00:00:00Z"


def begin_stage(workspace: Workspace, challenger: ChallengerEntry, share: float = 0.0, **of_candidate: Any) -> Release:
    """A challenger becomes the candidate of the shop's live release: in a shadow stage, or in a canary with a share."""
    live = current_release(workspace.ledger, "shop")
    assert live is not None
    planned = PlannedStage(kind="canary" if share else "shadow", share=share, days=7)
    given = {
        "model": challenger.model,
        "challenger": challenger.challenger,
        "decision": "0123456789abcdef",
        "features_digest": challenger.features_digest,
        "stages": (planned,),
        "feedback": "none",
        "at": 0,
        "since": AT,
    }
    staged = live.model_copy(
        update={
            "release_no": live.release_no + 1,
            "kind": "stage",
            "stage": planned.kind,
            "as_of": AT,
            "candidate": Candidate.model_validate({**given, **of_candidate}),
        }
    )
    workspace.ledger.append("shop", staged)
    return staged
