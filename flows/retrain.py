"""Train a challenger because a person asks for it."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName, Words
from flows.names import named_by, note_outcome, tag_run
from flows.train import train_because
from perennial.ledger.entries import ChallengerEntry, Trigger
from perennial.training.readiness import NotYet
from tasks.as_of import present
from tasks.page import renew_page
from tasks.turn import in_turn


@flow(
    name="retrain",
    flow_run_name=named_by("reason", otherwise="retrain"),
    on_running=[tag_run],
    timeout_seconds=6 * 3600,
)
@in_turn
def retrain(usecase: UseCaseName, reason: Words) -> ChallengerEntry | NotYet:
    """Train on everything known now. The model then waits to be evaluated on later rows.

    With `release.judge: {newest: 15d}`, it is trained without the newest days and evaluated on them at once, if they
    can.

    Args:
        usecase: The use case to train for.
        reason: Why you want a new challenger, in your words, for the record.
    """
    now = present(usecase, None, None)
    challenger = train_because(usecase, now, Trigger(kind="person", detail=reason))
    if isinstance(challenger, ChallengerEntry):
        later = f", not evaluated at once: {challenger.later_because}" if challenger.later_because else ""
        note_outcome(usecase, f"trained version {challenger.model.version} on request{later}")
    else:
        note_outcome(usecase, f"not trained: {challenger.why}")
    renew_page(usecase)
    return challenger
