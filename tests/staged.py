"""A release with a candidate in a stage, written as the flow that advances stages writes it."""

from __future__ import annotations

from typing import Any

from perennial.ledger.entries import Candidate, ModelRef, PlannedStage, Release
from perennial.ledger.present import current_release
from perennial.store.workspace import Workspace

AT = "2024-06-01T00:00:00Z"


def in_stage(live: Release, model: ModelRef, share: float = 0.0, **of_candidate: Any) -> Release:
    """The release after that one, with a candidate in a shadow stage, or in a canary with a share."""
    planned = PlannedStage(kind="canary" if share else "shadow", share=share, days=7)
    given = {
        "model": model,
        "challenger": "c",
        "decision": "0123456789abcdef",
        "features_digest": "f",
        "stages": (planned,),
        "feedback": "none",
        "at": 0,
        "since": AT,
    }
    candidate = Candidate.model_validate({**given, **of_candidate})
    number = live.release_no + 1
    made = {"release_no": number, "kind": "stage", "stage": planned.kind, "as_of": AT, "candidate": candidate}
    return live.model_copy(update=made)


def begin_stage(workspace: Workspace, model: ModelRef, share: float = 0.0, **of_candidate: Any) -> Release:
    """A model becomes the candidate of the shop's live release."""
    live = current_release(workspace.ledger, "shop")
    assert live is not None
    made = in_stage(live, model, share, **of_candidate)
    workspace.ledger.append("shop", made)
    return made
