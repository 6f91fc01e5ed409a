"""Ingest one batch."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, rename_run, tag_run
from perennial.ledger.entries import BatchEntry
from tasks.artifacts import show_batch
from tasks.batches import accept, land, pick_window, validate
from tasks.labels import take_labels
from tasks.page import renew_page_at_end
from tasks.turn import in_turn


@flow(
    name="ingest",
    flow_run_name=named_by("window", otherwise="next"),
    on_running=[tag_run],
    timeout_seconds=2 * 3600,
)
@in_turn
def ingest(usecase: UseCaseName, window: str | None = None) -> BatchEntry | None:
    """Store the bytes of a batch, validate it, set bad rows aside with their reasons and commit the rest.

    Args:
        usecase: Name of the use case, as in its declaration.
        window: The batch, for example 2013-01. Empty: the next one of the source.
    """
    batch = take_in(usecase, window)
    renew_page_at_end(usecase)
    return batch


def take_in(usecase: str, window: str | None, unfinished_first: bool = False) -> BatchEntry | None:
    """The steps of `ingest`, as tasks of the flow that runs them."""
    chosen = pick_window(usecase, window, unfinished_first)
    rename_run(usecase, chosen or "nothing-new")
    landing = land(usecase, chosen) if chosen else None  # refuses what cannot run, before labels are taken in
    labels = take_labels(usecase)
    if chosen is None or landing is None:
        return None
    batch = accept(usecase, validate(usecase, chosen, landing))
    if labels is None:
        take_labels(usecase)  # they had to wait for the first batch, which starts the replay clock
    # The batch is committed: if pages cannot be written, a task fails but the flow continues.
    show_batch(usecase, batch, return_state=True)
    return batch
