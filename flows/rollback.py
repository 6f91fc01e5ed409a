"""Bring the former champion back."""

from __future__ import annotations

from prefect import flow
from pydantic import SecretStr

from flows.forms import UseCaseName, Words, text_of
from flows.names import named_by, note_outcome, tag_run
from perennial.ledger.entries import Release
from tasks.page import renew_page
from tasks.people import restore_former


@flow(
    name="rollback",
    flow_run_name=named_by("release", otherwise="rollback"),
    on_running=[tag_run],
    timeout_seconds=3600,
)
def rollback(
    usecase: UseCaseName,
    reason: Words,
    release: int | None = None,
    by: Words | None = None,
    token: SecretStr | None = None,
) -> Release:
    """Make the previous champion live again, as a new release, with its features and data version.

    A request is carried out once: repeated with the same reason, it changes nothing more.

    Args:
        usecase: The use case whose live model is wrong.
        reason: What is wrong with the live model, in your words, for the record.
        release: Number of the release to undo; needed to go back more than once. Empty: the one live now.
        by: Your name, for the record.
        token: Your signed token, where tokens are required for a name to count.
    """
    made = restore_former(usecase, reason, by, text_of(token), release)
    note_outcome(usecase, f"rolled back to {made.versions}")
    renew_page(usecase)
    return made
