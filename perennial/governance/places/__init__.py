"""The places outside the home that keep anchors. A new kind is one file with `open_place` and one line here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol

from perennial.errors import TransientError
from perennial.governance.anchor import Anchor

KINDS = {"file": "file", "git": "git", "http": "web", "https": "web", "tsa": "time_stamp"}
"""Scheme of an address → the module here that opens it."""


class NotDelivered(TransientError):
    """A place did not take an anchor. The next one covers it."""

    code = "anchor-not-delivered"


class Place(Protocol):
    """Where anchors are kept."""

    @property
    def shown(self) -> str:
        """For people, without secrets."""

    def read(self) -> str | None:
        """All anchors that it holds as one text; None if it cannot be read back. Raises NotDelivered."""

    def add(self, anchor: Anchor, note: str) -> None:
        """Add one. Raises NotDelivered."""

    def finish(self) -> None:
        """Finish what an attempt that failed has left undone. Raises NotDelivered."""


def open_place(address: str, received: Path) -> Place:
    """The place of an address from the settings, such as `file:/mnt/anchors`. received: a folder for its replies."""
    scheme = address.partition(":")[0]
    place: Place = import_module(f"{__name__}.{KINDS[scheme]}").open_place(address, received)
    return place
