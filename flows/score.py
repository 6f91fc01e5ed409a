"""Score a batch."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, note_outcome, rename_run, tag_run
from perennial.ledger.entries import BatchScored
from tasks.health import batch_of
from tasks.scoring import score_batch
from tasks.turn import in_turn


@flow(
    name="score", flow_run_name=named_by("window", otherwise="newest"), on_running=[tag_run], timeout_seconds=2 * 3600
)
@in_turn
def score(usecase: UseCaseName, window: str | None = None) -> BatchScored | None:
    """Store the live model's predictions for a batch, once for each release. A cycle does it for each new batch.

    Args:
        usecase: Name of the use case, as in its declaration.
        window: The batch to score, for example 2013-07. Empty: the newest.
    """
    batch = batch_of(usecase, window)
    if batch is None or batch.status == "held":
        return None
    rename_run(usecase, batch.window)
    scored = score_batch(usecase, batch)
    if scored is not None:
        note_outcome(usecase, f"{scored.rows:,} rows scored by release {scored.release_no}", batch.window)
    return scored
