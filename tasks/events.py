"""Announces what happened as Prefect events, so that others can start automations on them.

The ledger is the outbox: a file in the home holds the position up to which its rows were announced. A row is announced
after it was committed, even if the process died in between, and an event that is sent twice has the same id, by which
Prefect drops the second.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from perennial.clock import instant, write_instant
from perennial.events import Event, event_of
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.whole_file import write_whole

log = logging.getLogger("perennial.tasks")

AT_ONCE = 100
RECENT = timedelta(hours=1)
"""Where nothing was announced yet, older rows are history: nobody waits for them."""


def announce(usecase: str) -> None:
    """Send an event for each row since the last call. Without a Prefect server, or if it does not answer, later."""
    workspace = open_workspace(settings())
    if get_current_settings().api.url is None:
        return
    with workspace.only_one(usecase, "events"):
        since = _announced(workspace, usecase)
        rows = workspace.ledger.after(usecase, since)
        events = [event for row in rows if (event := event_of(usecase, row)) is not None]
        for first in range(0, len(events), AT_ONCE):
            if not _sent(events[first : first + AT_ONCE]):
                return
        if rows:
            _note(workspace, usecase, rows[-1].position)


def emit(usecase: str, name: str, payload: Mapping[str, Any], id: UUID | None = None) -> bool:
    """Send one event that has no row in the ledger. Returns whether the server took it.

    name: such as `perennial.alert.failed`. id: made from what the event is about, if it may be sent twice.
    """
    now = write_instant(datetime.now(UTC))
    return _sent([Event(id or uuid4(), usecase, name, now, {"usecase": usecase, **payload})])


def _sent(events: Sequence[Event]) -> bool:
    try:
        with get_client(sync_client=True) as client:
            client.request("POST", "/events", json=[event.as_json() for event in events]).raise_for_status()
    except (HTTPError, PrefectHTTPStatusError) as error:
        log.warning("events about %s could not be sent and will be sent later: %s", events[0].usecase, error)
        return False
    return True


def _announced(workspace: Workspace, usecase: str) -> int:
    """The position up to which the rows of a use case were announced; the end of a ledger that was restored since."""
    try:
        newest = workspace.ledger.newest(usecase)
        return min(int(_place(workspace, usecase).read_text()), newest.position if newest else 0)
    except (FileNotFoundError, ValueError):
        earliest, rows = datetime.now(UTC) - RECENT, workspace.ledger.after(usecase, 0)
        return max((row.position for row in rows if instant(row.recorded_at) < earliest), default=0)


def _note(workspace: Workspace, usecase: str, position: int) -> None:
    place = _place(workspace, usecase)
    place.parent.mkdir(exist_ok=True)
    write_whole(place, str(position))


def _place(workspace: Workspace, usecase: str) -> Path:
    return workspace.settings.home / "announced" / usecase
