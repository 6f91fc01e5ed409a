"""Refuse a decision that waits for a person."""

from __future__ import annotations

from prefect import flow
from pydantic import SecretStr

from flows.forms import UseCaseName, Words, text_of
from flows.names import named_by, note_outcome, tag_run
from perennial.ledger.entries import Refusal
from tasks.page import renew_page
from tasks.people import refuse_decision


@flow(
    name="refuse",
    flow_run_name=named_by("decision", otherwise="refuse"),
    on_running=[tag_run],
    timeout_seconds=3600,
)
def refuse(
    usecase: UseCaseName, by: Words, reason: Words, decision: str | None = None, token: SecretStr | None = None
) -> Refusal:
    """Refuse a decision that waits for you: its challenger is not released, and the next one is decided anew.

    Args:
        usecase: The use case that the decision is about.
        by: Your name, for the record.
        reason: Why you refuse, in your words, for the record.
        decision: The id of the decision, or its first digits. Empty: the decision that waits.
        token: Your signed token, where tokens are required.
    """
    refused = refuse_decision(usecase, decision, by, reason, text_of(token))
    note_outcome(usecase, f"{refused.by} refused")
    renew_page(usecase)
    return refused
