"""A server that takes OpenLineage events, such as Marquez or DataHub: each is posted as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from perennial.governance.places.web import host_of
from perennial.identity import canonical_json
from perennial.lineage.receivers import NotReceived
from perennial.posting import post

PATH = "/api/v1/lineage"
"""Where receivers take events, by the specification's OpenAPI file; used if an address has no path."""


@dataclass(frozen=True)
class EventServer:
    """An address that takes events. token: sent as a bearer's."""

    address: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """Scheme and host."""
        return host_of(self.address)

    def take(self, event: dict[str, Any]) -> None:
        """In one request."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        reply = post(self.address, headers, canonical_json(event).encode())
        if reply.problem:
            raise NotReceived(reply.problem)


def open_receiver(address: str, token: str | None) -> EventServer:
    """The server at an address."""
    return EventServer(address if urlsplit(address).path.strip("/") else f"{address.rstrip('/')}{PATH}", token)
