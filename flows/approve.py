"""Approve a decision that waits for a person."""

from __future__ import annotations

from prefect import flow
from pydantic import SecretStr

from flows.forms import UseCaseName, Words, text_of
from flows.names import named_by, note_outcome, tag_run
from perennial.ledger.entries import Release
from tasks.page import renew_page
from tasks.people import approve_decision


@flow(
    name="approve",
    flow_run_name=named_by("decision", otherwise="approve"),
    on_running=[tag_run],
    timeout_seconds=3600,
)
def approve(
    usecase: UseCaseName, by: Words, reason: Words, decision: str | None = None, token: SecretStr | None = None
) -> Release | None:
    """Release the challenger of a decision that waits for you; where several roles approve, with the last of them.

    It does not wait for other runs of the use case: if another model was released since, the approval is refused.

    Args:
        usecase: The use case that the decision is about.
        by: Your name, for the record.
        reason: Why you approve, in your words, for the record.
        decision: The id of the decision, or its first digits. Empty: the decision that waits.
        token: Your signed token, where tokens are required.
    """
    done = approve_decision(usecase, decision, by, reason, text_of(token))
    renew_page(usecase)
    if done.made is None or done.approval is None:
        note_outcome(usecase, f"{by} approved; still to approve: {', '.join(done.standing.missing)}")
        return None
    note_outcome(usecase, f"{done.approval.by} approved {done.made.payload.versions}")
    return done.made.payload
