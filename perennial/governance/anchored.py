"""What was last anchored where, in one file per use case and home. For people: a file in the home is no proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perennial.governance.places import open_place
from perennial.identity import short_id
from perennial.kept_states import read_states, write_states
from perennial.ledger.chain import parse_head
from perennial.settings import Settings


@dataclass(frozen=True)
class Anchored:
    """The state of one place for one use case.

    head, at: of the newest anchor that it has, and when that was delivered; None if it has none.
    failed: why the last attempt failed, empty if it did not.
    """

    place: str
    head: str | None = None
    at: str | None = None
    failed: str = ""

    @property
    def position(self) -> int | None:
        """The row that its newest anchor covers."""
        return parse_head(self.head).position if self.head else None


def anchored_at(where: Settings, usecase: str) -> dict[str, Anchored]:
    """The state of each place that is set now, by its address."""
    kept = read_states(_file(where.anchored, usecase), Anchored)
    return {
        address: kept.get(short_id(address)) or Anchored(open_place(address, where.anchored).shown)
        for address in where.anchors
    }


def keep_anchored(where: Settings, usecase: str, states: Mapping[str, Anchored]) -> None:
    """Write the states of places, by their addresses."""
    write_states(_file(where.anchored, usecase), states)


def anchored_in_words(state: Anchored) -> str:
    """The newest row that a place covers, and why no newer one."""
    have = f"row {state.position} in {state.place}" if state.head else f"not yet in {state.place}"
    return f"{have}; the last attempt failed: {state.failed}" if state.failed else have


def behind(states: Sequence[Anchored]) -> list[Anchored]:
    """The places whose last attempt failed, or that have no anchor yet."""
    return [each for each in states if each.failed or each.head is None]


def _file(folder: Path, usecase: str) -> Path:
    return folder / f"{usecase}.json"
