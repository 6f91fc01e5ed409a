"""How far each receiver of events has come in the chain of a use case: one file per use case and home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perennial.identity import short_id
from perennial.kept_states import read_states, write_states
from perennial.ledger.ledger import Ledger
from perennial.lineage.receivers import open_receiver
from perennial.settings import Settings


@dataclass(frozen=True)
class Sent:
    """The state of one receiver for one use case.

    position, hash: of the newest row of the ledger whose events it took; 0 and None before the first.
    begun: how many events of the row after it it took. at: when it took the last one.
    failed: why the last attempt failed, empty if it did not.
    """

    receiver: str
    position: int = 0
    hash: str | None = None
    begun: int = 0
    at: str | None = None
    failed: str = ""

    def in_chain(self, ledger: Ledger, usecase: str) -> Sent:
        """The state from which to go on: the beginning, if the chain no longer has the row that was sent last."""
        row = next(iter(ledger.after(usecase, self.position - 1)), None) if self.position else None
        is_same = not self.position or (row is not None and row.hash == self.hash)
        return self if is_same else Sent(self.receiver)


def sent_to(where: Settings, usecase: str) -> dict[str, Sent]:
    """The state of each receiver that is set now, by its address. Without a readable file, it begins anew."""
    kept = read_states(_file(where, usecase), Sent)
    return {
        address: kept.get(short_id(address)) or Sent(open_receiver(address, None).shown)
        for address in where.openlineage
    }


def keep_sent(where: Settings, usecase: str, states: Mapping[str, Sent]) -> None:
    """Write the states of receivers, by their addresses."""
    write_states(_file(where, usecase), states)


def _file(where: Settings, usecase: str) -> Path:
    return where.openlineage_sent / f"{usecase}.json"


def sent_in_words(state: Sent, rows: int) -> str:
    """What a receiver has, what it lacks, and why."""
    have = f"has the events of rows 1 to {state.position}" if state.position else "has none"
    have = f"{state.receiver} {have}{f' of {rows}' if state.position < rows else ''}"
    return f"{have}; the last attempt failed: {state.failed}" if state.failed else have
