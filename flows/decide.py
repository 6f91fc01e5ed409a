"""Decide about the waiting challenger."""

from __future__ import annotations

from datetime import datetime

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, rename_run, tag_run
from perennial.deciding.decision import Waits
from perennial.ledger.entries import ChallengerEntry, Decision, Trigger
from perennial.training.readiness import NotYet
from tasks.as_of import Present, present
from tasks.deciding import Compared, carry_out, compare, is_evaluated_now
from tasks.page import renew_page_at_end
from tasks.turn import in_turn


@flow(
    name="decide", flow_run_name=named_by("batch", otherwise="newest"), on_running=[tag_run], timeout_seconds=2 * 3600
)
@in_turn
def decide(
    usecase: UseCaseName, batch: str | None = None, as_of: datetime | None = None, trigger: Trigger | None = None
) -> Decision | Waits:
    """Compare champion and challenger on rows that neither was trained on, and release according to the policy.

    Args:
        usecase: Name of the use case, as in its declaration.
        batch: The batch whose labels make the decision due. Empty: the newest.
        as_of: Only what was known by then counts. Empty: the current time of the use case's clock.
        trigger: What requested the decision. Empty: a person.
    """
    now = present(usecase, batch, as_of)
    rename_run(usecase, now.window)
    decision = decide_waiting(usecase, now, trigger or Trigger(kind="person"))
    renew_page_at_end(usecase)
    return decision


def decide_waiting(usecase: str, now: Present, trigger: Trigger, compared: Compared | None = None) -> Decision | Waits:
    """The steps of `decide`, as tasks of the flow that runs them. compared: what a fleet's run has tested already."""
    decision = compare(usecase, now.window, now.as_of, trigger, compared)
    if isinstance(decision, Decision):
        carry_out(usecase, decision)
    return decision


def decide_at_once(
    usecase: str, now: Present, trigger: Trigger, challenger: ChallengerEntry | NotYet | None
) -> Decision | Waits | None:
    """Decide about a challenger that was trained without the newest days; None if it waits for later rows."""
    return decide_waiting(usecase, now, trigger) if is_evaluated_now(usecase, challenger) else None
