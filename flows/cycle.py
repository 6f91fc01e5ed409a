"""One full cycle."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.decide import decide
from flows.forms import UseCaseName
from flows.ingest import ingest
from flows.names import named_by, rename_run
from flows.train import train
from flows.watch import watch
from perennial.clock import instant
from perennial.ledger.entries import BatchEntry, Trigger
from tasks.artifacts import finish_cycle, write_page
from tasks.batches import is_finished, restated_window, unfinished_window
from tasks.turn import in_turn


@flow(name="cycle", flow_run_name=named_by("window", otherwise="next"), timeout_seconds=6 * 3600)
@in_turn
def cycle(usecase: UseCaseName, window: str | None = None, trigger: Trigger | None = None) -> BatchEntry | None:
    """Ingest one batch, monitor the champion, evaluate the waiting challenger on it, train the next one.

    Args:
        usecase: Name of the use case, as in its declaration.
        window: The batch, for example 2013-01. Empty: an unfinished one, otherwise the next of the source, otherwise
            one whose source was corrected.
        trigger: What started the cycle; a scheduled deployment passes schedule.
    """
    batch = ingest(usecase, window or unfinished_window(usecase))
    rename_run(usecase, batch.window if batch else "nothing-new")
    if batch is None or batch.status == "held" or is_finished(usecase, batch):
        _write_page(usecase)
        return batch
    as_of = instant(batch.arrived_at)
    asked = trigger or Trigger(kind="new_batch", detail=f"batch {batch.window}")
    health = watch(usecase, batch.window, start_training=False)
    assert health is not None, "a batch was just ingested"
    decision = decide(usecase, batch.window, as_of, asked)
    challenger = train(usecase, trigger, new_batch=True, as_of=as_of)
    finish_cycle(usecase, batch, health, decision, challenger)
    restated = restated_window(usecase) if window is None else None
    if restated is not None:
        cycle(usecase, restated, trigger)
    _write_page(usecase)
    return batch


def _write_page(usecase: str) -> None:
    """If the page cannot be written, a task fails but the cycle continues. A backfill writes it at its end."""
    if flow_run.parent_flow_run_id is None:
        write_page(usecase, return_state=True)
