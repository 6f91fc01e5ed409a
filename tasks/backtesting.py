"""Replays a use case's history under other policies, and shows the result."""

from __future__ import annotations

import logging

from prefect.artifacts import create_markdown_artifact

from perennial.backtest import backtest as lives
from perennial.backtest.fits import Progress
from perennial.backtest.words import head, in_markdown
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tasks.as_of import moment
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=24 * 60)
def live_through(usecase: str) -> str:
    """The backtest as an artifact; return its first sentence. Fits that an earlier attempt made are not made again."""
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)

    def report(progress: Progress) -> None:
        log.info("backtest %s: %d of %d fits after %.0f s", usecase, progress.done, progress.of, progress.seconds)

    now = moment(workspace, case)
    made = lives.backtest(workspace.tables, workspace.ledger, case, workspace.backtests(usecase), now, report=report)
    first = next(iter(head(made)))
    create_markdown_artifact(in_markdown(made), key=f"{usecase}-backtest".replace("_", "-"), description=first)
    return first
