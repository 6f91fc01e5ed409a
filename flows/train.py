"""Train the next challenger."""

from __future__ import annotations

from datetime import datetime

from prefect import flow

from flows.decide import decide_at_once
from flows.forms import UseCaseName
from flows.names import named_by, rename_run, tag_run
from perennial.ledger.entries import ChallengerEntry, Trigger
from perennial.training.readiness import NotYet
from tasks.as_of import Present, present
from tasks.deciding import blend
from tasks.page import renew_page_at_end
from tasks.training import train_challenger, why_train
from tasks.turn import in_turn


@flow(
    name="train",
    flow_run_name=named_by("trigger", otherwise="if-needed"),
    on_running=[tag_run],
    timeout_seconds=6 * 3600,
)
@in_turn
def train(
    usecase: UseCaseName, trigger: Trigger | None = None, new_batch: bool = False, as_of: datetime | None = None
) -> ChallengerEntry | NotYet | None:
    """Train on everything known, if there is a reason; the model then waits to be evaluated on later rows.

    With `release.judge: {newest: 15d}`, it is trained without the newest days and evaluated on them at once, if they
    can. Returns the reason if too little is known to train on. Under a blending policy, the model serves a share while
    it waits. Two requests for the same data give the same challenger.

    Args:
        usecase: Name of the use case, as in its declaration.
        trigger: What requests the training. Empty: the reason that follows from the state of the use case.
        new_batch: Whether a batch has just been accepted.
        as_of: Only what was known by then counts. Empty: the current time of the use case's clock.
    """
    now = present(usecase, None, as_of)
    reason = why_train(usecase, trigger, new_batch, now.as_of)
    rename_run(usecase, reason.kind if reason else "no-reason")
    if reason is None:
        blend(usecase, now.as_of)
    challenger = None if reason is None else train_because(usecase, now, reason)
    renew_page_at_end(usecase)
    return challenger


def train_because(usecase: str, now: Present, reason: Trigger) -> ChallengerEntry | NotYet:
    """The steps of a training, as tasks of the flow that runs them."""
    challenger = train_challenger(usecase, now.as_of, reason)
    decide_at_once(usecase, now, reason, challenger)
    blend(usecase, now.as_of)
    return challenger
