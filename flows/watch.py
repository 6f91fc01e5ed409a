"""Monitor the champion on a batch."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, rename_run, tag_run
from flows.train import train
from perennial.ledger.entries import Health
from tasks.alerts import notify_people, respond_to_episodes
from tasks.contract import watch_contract
from tasks.health import ask_for_retraining, batch_of, watch_champion
from tasks.page import renew_page_at_end
from tasks.turn import in_turn


@flow(
    name="watch", flow_run_name=named_by("window", otherwise="newest"), on_running=[tag_run], timeout_seconds=2 * 3600
)
@in_turn
def watch(usecase: UseCaseName, window: str | None = None, start_training: bool = True) -> Health | None:
    """Compare the champion with its reference; if it got worse, open one episode and request one retraining.

    Args:
        usecase: Name of the use case, as in its declaration.
        window: The batch to evaluate, for example 2013-07. Empty: the newest.
        start_training: Request a retraining from the train deployment, or run it in this process if there is none.
            A cycle does this itself, after its decision.
    """
    batch = batch_of(usecase, window)
    if batch is None:
        return None
    rename_run(usecase, batch.window)
    watch_contract(usecase)
    health = watch_champion(usecase, batch)
    respond_to_episodes(usecase)
    notify_people(usecase)
    if start_training and health.action == "retrain":
        trigger = ask_for_retraining(usecase)
        if trigger is not None:
            train(usecase, trigger)
    renew_page_at_end(usecase)
    return health
