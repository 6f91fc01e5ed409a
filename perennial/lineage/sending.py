"""Sends OpenLineage events from the ledger, in its order. A receiver that is away gets all that it missed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from perennial.clock import write_instant
from perennial.errors import InputError, PerennialError
from perennial.fault_points import write
from perennial.ledger.declaration_history import recorded
from perennial.ledger.entries import BatchEntry, Snapshot
from perennial.lineage.open_lineage.datasets import Names
from perennial.lineage.open_lineage.events import events_of
from perennial.lineage.receivers import open_receiver
from perennial.lineage.sent import Sent, keep_sent, sent_to
from perennial.secrets import masked
from perennial.settings import Settings
from perennial.store.validations import ValidationsLost
from perennial.store.workspace import Workspace
from perennial.usecase.columns import column_types

NAMESPACE = "perennial"
"""Of jobs, if PERENNIAL_NAMESPACE sets no other."""


def require_receivers(where: Settings) -> None:
    """Raise InputError if none is set."""
    if not where.openlineage:
        raise InputError(
            "it is not set, so there is no receiver of events",
            code="openlineage-not-set",
            field="PERENNIAL_OPENLINEAGE",
            fix="Set it to file:/var/log/lineage.jsonl or http://host:5000, several separated by commas.",
        )


def send_events(workspace: Workspace, usecase: str, now: datetime) -> list[Sent]:
    """Send what each receiver has not taken yet, and return the state of each.

    A receiver that fails is left for the next time. What a killed process sent without noting it is sent again, with
    the same ids.
    """
    with workspace.only_one("openlineage", "send"):
        states = sent_to(workspace.settings, usecase)
        for address in states:
            _send(workspace, usecase, address, states, write_instant(now))
    return list(states.values())


def _send(workspace: Workspace, usecase: str, address: str, states: dict[str, Sent], now: str) -> None:
    receiver, about = open_receiver(address, workspace.settings.openlineage_token), InHome(workspace, usecase)
    states[address] = state = states[address].in_chain(workspace.ledger, usecase)
    try:
        for row in workspace.ledger.after(usecase, state.position):
            for event in events_of(row, about)[state.begun :]:
                with write("openlineage_event"):
                    receiver.take(event)
                states[address] = state = replace(state, begun=state.begun + 1, at=now, failed="")
                keep_sent(workspace.settings, usecase, states)
            states[address] = state = replace(state, position=row.position, hash=row.hash, begun=0)
    except PerennialError as problem:
        states[address] = replace(state, failed=str(problem).partition("\n")[0])
    keep_sent(workspace.settings, usecase, states)


@dataclass(frozen=True)
class InHome:
    """What events need besides their row, from the stores of a home."""

    workspace: Workspace
    usecase: str

    @cached_property
    def names(self) -> Names:
        """Without secrets."""
        where = self.workspace.settings
        return Names(where.namespace or NAMESPACE, self.usecase, masked(where.tables_uri), masked(where.files_uri))

    def columns(self, declaration_digest: str) -> Mapping[str, str]:
        """The declared columns with their types."""
        return {**column_types(recorded(self.workspace.ledger, self.usecase, declaration_digest)[0])}

    def snapshot(self, snapshot: str) -> Snapshot:
        """A recorded snapshot. Raises LookupError."""
        row = self.workspace.ledger.get(self.usecase, Snapshot, snapshot)
        if row is None:
            raise LookupError(f"snapshot {snapshot} of {self.usecase} is not in the ledger")
        return row.payload

    def batch(self, batch: str) -> BatchEntry:
        """A recorded batch. Raises StopIteration."""
        return next(r.payload for r in self.workspace.ledger.all(self.usecase, BatchEntry) if r.payload.batch == batch)

    def checks(self, batch: str) -> Sequence[Mapping[str, Any]]:
        """The results of its checks; none where they are lost."""
        try:
            return self.workspace.validations.read(self.usecase, batch)
        except ValidationsLost:
            return ()
