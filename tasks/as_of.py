"""The `as_of` of a run: from the replay clock or the run's scheduled start, so that a retry decides the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from prefect.runtime import flow_run

from perennial.errors import InputError
from perennial.ledger.present import after_what_is_settled, replay_clock
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.declaration import UseCase
from perennial.usecase.mistakes import closest
from tasks.step import step


def scheduled_start() -> datetime:
    """The scheduled start of the running flow, in UTC."""
    start = flow_run.scheduled_start_time
    return datetime.fromisoformat(start.isoformat()).astimezone(UTC)


def arriving(workspace: Workspace, usecase: str) -> datetime:
    """When what a run takes in arrives on the wall clock: at its scheduled start, or right after what is settled.

    A run that started late or waited for its turn brings nothing into a past on which others decided meanwhile.
    """
    return after_what_is_settled(workspace.ledger, usecase, scheduled_start())


def moment(workspace: Workspace, case: UseCase) -> datetime:
    """The current time of a use case. Raises InputError on a replay clock before the first batch."""
    if case.declaration.clock == "wall":
        return scheduled_start()
    now = replay_clock(workspace.ledger, case.name)
    if now is None:
        raise InputError(
            f"{case.name}: nothing has been ingested yet, so the replay clock has not started", code="batch-none"
        )
    return now


@dataclass(frozen=True)
class Present:
    """The time of a run, and the newest batch at that time."""

    as_of: datetime
    window: str


@step(timeout_minutes=5)
def present(usecase: str, window: str | None, as_of: datetime | None) -> Present:
    """The given time and batch, or those of the use case's clock.

    Raises InputError before the first batch, and for a batch that was never accepted.
    """
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    when = as_of or moment(workspace, case)
    batches = known_at(workspace.ledger, usecase, when).batches
    if not batches:
        raise InputError(f"{usecase}: no batch has been accepted yet", code="batch-none")
    known = [batch.window for batch in batches]
    if window is not None and window not in known:
        near = closest(window, known)
        raise InputError(
            f"batch: {usecase} has no accepted batch {window!r}",
            code="batch-unknown",
            field="batch",
            value=window,
            fix=(f"did you mean {near!r}? " if near else "") + f"The newest ones: {', '.join(known[-12:])}",
        )
    return Present(when, window or known[-1])
