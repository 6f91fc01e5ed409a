"""Decide about the waiting challenger."""

from __future__ import annotations

from datetime import datetime

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, rename_run
from perennial.deciding.decision import Waits
from perennial.ledger.entries import Decision, Trigger
from tasks.artifacts import tell_decision
from tasks.as_of import present
from tasks.deciding import compare, note_in_registry, release
from tasks.turn import in_turn


@flow(name="decide", flow_run_name=named_by("batch", otherwise="newest"), timeout_seconds=2 * 3600)
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
    decision = compare(usecase, now.window, now.as_of, trigger or Trigger(kind="person"))
    if isinstance(decision, Decision):
        release(usecase, decision.id)
        note_in_registry(usecase, decision.id)
        tell_decision(usecase, decision)
    return decision
