"""Train the next challenger."""

from __future__ import annotations

from datetime import datetime

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, rename_run
from perennial.ledger.entries import ChallengerEntry, Trigger
from perennial.training.readiness import NotYet
from tasks.as_of import present
from tasks.deciding import blend
from tasks.training import train_challenger, why_train
from tasks.turn import in_turn


@flow(name="train", flow_run_name=named_by("trigger", otherwise="if-needed"), timeout_seconds=6 * 3600)
@in_turn
def train(
    usecase: UseCaseName, trigger: Trigger | None = None, new_batch: bool = False, as_of: datetime | None = None
) -> ChallengerEntry | NotYet | None:
    """Train on everything known, if there is a reason; the model then waits to be evaluated on rows to come.

    Where too little is known to train on, the answer is why.

    Under a blending policy it serves a share meanwhile.

    Whoever asks twice because of the same data gets the same challenger.

    Args:
        usecase: Name of the use case, as in its declaration.
        trigger: What asks. Empty: whatever reason the state of the use case gives.
        new_batch: Whether a batch has just been accepted.
        as_of: Only what was known by then counts. Empty: the present of the use case's clock.
    """
    now = present(usecase, None, as_of)
    reason = why_train(usecase, trigger, new_batch, now.as_of)
    rename_run(usecase, reason.kind if reason else "no-reason")
    challenger = train_challenger(usecase, now.as_of, reason) if reason else None
    blend(usecase, now.as_of)
    return challenger
