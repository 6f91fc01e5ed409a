"""Compare other policies and schedules on a use case's own history."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, tag_run
from tasks.backtesting import live_through


@flow(
    name="backtest",
    flow_run_name=named_by("usecase", otherwise="backtest"),
    on_running=[tag_run],
    timeout_seconds=24 * 3600,
)
def backtest(usecase: UseCaseName) -> str:
    """Replay the accepted batches under a dozen policies, windows and schedules; the result is an artifact.

    It writes no model and no decision, so it needs no turn: cycles go on meanwhile.

    Args:
        usecase: The use case whose history is replayed.
    """
    return live_through(usecase)
