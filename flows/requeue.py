"""Check rows set aside and held batches again."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, tag_run
from perennial.ledger.entries import BatchEntry
from tasks.artifacts import show_batch
from tasks.batches import accept
from tasks.page import renew_page
from tasks.requeue import validate_again, windows_to_requeue
from tasks.turn import in_turn


@flow(
    name="requeue",
    flow_run_name=named_by("window", otherwise="all"),
    on_running=[tag_run],
    timeout_seconds=6 * 3600,
)
@in_turn
def requeue(usecase: UseCaseName, window: str | None = None) -> list[BatchEntry]:
    """Check landed batches again under the current declaration; what passes now becomes a new revision.

    Args:
        usecase: Name of the use case, as in its declaration.
        window: The batch, for example 2013-01. Empty: all that are held or have rows set aside.
    """
    batches = [check_again(usecase, each) for each in windows_to_requeue(usecase, window)]
    renew_page(usecase)
    return batches


def check_again(usecase: str, window: str) -> BatchEntry:
    """The steps for one batch, as tasks of the flow that runs them."""
    batch = accept(usecase, validate_again(usecase, window))
    show_batch(usecase, batch, return_state=True)
    return batch
