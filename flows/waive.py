"""Accept a batch despite a failed check."""

from __future__ import annotations

from prefect import flow
from pydantic import SecretStr

from flows.forms import UseCaseName, Words, text_of
from flows.names import named_by, note_outcome, tag_run
from flows.requeue import check_again
from perennial.ledger.entries import BatchEntry
from tasks.page import renew_page
from tasks.people import record_waiver
from tasks.turn import in_turn


@flow(
    name="waive",
    flow_run_name=named_by("window", otherwise="waive"),
    on_running=[tag_run],
    timeout_seconds=6 * 3600,
)
@in_turn
def waive(
    usecase: UseCaseName,
    window: str,
    by: Words,
    reason: Words,
    checks: list[str] | None = None,
    token: SecretStr | None = None,
) -> BatchEntry:
    """Accept what landed for a batch although checks failed. It applies to exactly these bytes.

    Args:
        usecase: The use case that the batch belongs to.
        window: The batch, for example 2013-07.
        by: Your name, for the record.
        reason: Why the failed check does not matter this time, in your words, for the record.
        checks: The first words of each check, as the batch's artifact shows it. Empty: the only one that failed.
        token: Your signed token, where tokens are required.
    """
    waiver = record_waiver(usecase, window, checks or [], by, reason, text_of(token))
    batch = check_again(usecase, window)
    note_outcome(usecase, f"{waiver.by} waived checks of {window}")
    renew_page(usecase)
    return batch
