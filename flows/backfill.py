"""Catch up: run one cycle after the other."""

from __future__ import annotations

from prefect import flow

from flows.cycle import cycle
from flows.forms import UseCaseName
from flows.names import named_by, tag_run
from perennial.ledger.entries import BatchEntry
from tasks.alerts import notify_people
from tasks.batches import windows_to_do
from tasks.page import renew_page


@flow(
    name="backfill", flow_run_name=named_by("first", otherwise="all"), on_running=[tag_run], timeout_seconds=24 * 3600
)
def backfill(usecase: UseCaseName, first: str | None = None, last: str | None = None) -> list[BatchEntry]:
    """Run the cycle for every batch of the source without a finished cycle, oldest first.

    Args:
        usecase: Name of the use case, as in its declaration.
        first: The first batch to run. Empty: the first that is not finished.
        last: The last batch to run. Empty: the newest.
    """
    done = [cycle(usecase, window) for window in windows_to_do(usecase, first, last)]
    renew_page(usecase)
    notify_people(usecase)
    return [batch for batch in done if batch is not None]
