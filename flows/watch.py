"""Watch the champion on a batch."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName
from perennial.store.entries import Health
from tasks.health import ask_for_retraining, batch_of, watch_champion


@flow(name="watch", flow_run_name="{usecase}-watch", timeout_seconds=3600)
def watch(usecase: UseCaseName, window: str | None = None, start_training: bool = True) -> Health | None:
    """Hold the champion against its reference; where it went bad, open one episode and ask for one retraining.

    Args:
        usecase: Name of the use case, as in its declaration.
        window: The batch to look at, for example 2013-07. Empty: the newest.
        start_training: Start the retraining here. A cycle does that itself, after its decision.
    """
    batch = batch_of(usecase, window)
    if batch is None:
        return None
    health = watch_champion(usecase, batch)
    if start_training and health.action == "retrain":
        ask_for_retraining(usecase, health)
    return health
