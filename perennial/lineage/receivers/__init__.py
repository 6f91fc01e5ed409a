"""Where OpenLineage events are sent. A new kind is one file with `open_receiver` and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from perennial.errors import TransientError

KINDS = {"file": "file", "http": "web", "https": "web"}
"""Scheme of an address → the module here that opens it."""


class NotReceived(TransientError):
    """A receiver did not take an event. It gets it, and those after it, the next time."""

    code = "openlineage-not-received"


class Receiver(Protocol):
    """Takes events in order."""

    @property
    def shown(self) -> str:
        """For people, without secrets."""

    def take(self, event: dict[str, Any]) -> None:
        """The next one. Raises NotReceived; it is given again then."""


def open_receiver(address: str, token: str | None) -> Receiver:
    """The receiver of an address from the settings. token: for those who ask for one."""
    scheme = address.partition(":")[0]
    receiver: Receiver = import_module(f"{__name__}.{KINDS[scheme]}").open_receiver(address, token)
    return receiver
