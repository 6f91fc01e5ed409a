"""The `as_of` of a run: from the replay clock or the run's scheduled start, so that a retry decides the same."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.runtime import flow_run

from perennial.errors import InputError
from perennial.release.state import replay_clock
from perennial.store.workspace import Workspace
from perennial.usecase.declaration import UseCase


def scheduled_start() -> datetime:
    """When the running flow was meant to start, in UTC."""
    start = flow_run.scheduled_start_time
    return datetime.fromisoformat(start.isoformat()).astimezone(UTC)


def moment(workspace: Workspace, case: UseCase) -> datetime:
    """The present of a use case. Raises InputError on a replay clock that no batch has started yet."""
    if case.declaration.clock == "wall":
        return scheduled_start()
    now = replay_clock(workspace.ledger, case.name)
    if now is None:
        raise InputError(
            f"{case.name}: nothing has been ingested yet, so the replay clock stands still. "
            f"Run `perennial ingest {case.name}` first."
        )
    return now
