"""`openlineage`: how far the receivers of events have come, and sending what they lack."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.declared import in_ledger
from perennial.cli.output import as_json, flowing, say
from perennial.ledger.ledger import Ledger
from perennial.lineage.sending import require_receivers, send_events
from perennial.lineage.sent import Sent, sent_in_words, sent_to
from perennial.settings import settings
from perennial.store.workspace import open_workspace, reading_workspace


def show(json: bool) -> None:
    """The receivers, and how far each has come."""
    where = settings()
    require_receivers(where)
    ledger = reading_workspace(where).ledger
    _show(ledger, {name: list(sent_to(where, name).values()) for name in ledger.usecases()}, json)


def send(usecase: str | None, json: bool) -> None:
    """Send what is missing. Exit code 1 if a receiver failed."""
    require_receivers(settings())
    workspace = open_workspace(settings())
    names = in_ledger(workspace.ledger, usecase)
    states = {name: send_events(workspace, name, machine_clock.now()) for name in names}
    _show(workspace.ledger, states, json)
    if any(state.failed for each in states.values() for state in each):
        sys.exit(1)


def _show(ledger: Ledger, states: dict[str, list[Sent]], json: bool) -> None:
    views: list[dict[str, Any]] = []
    for name, of_usecase in states.items():
        newest = ledger.newest(name)
        rows = newest.position if newest else 0
        for state in of_usecase:
            views.append({"usecase": name, **asdict(state), "rows": rows})
            if not json:
                flowing(f"{name}: {sent_in_words(state, rows)}")
    if json:
        as_json(views)
    elif not views:
        say("The ledger is empty.")
