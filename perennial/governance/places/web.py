"""A webhook: each anchor is posted as text. It is not read back: its owner keeps what arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from perennial.governance.anchor import Anchor
from perennial.governance.places import NotDelivered
from perennial.posting import post


def host_of(address: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


@dataclass(frozen=True)
class AnchorHook:
    """An address that takes notes."""

    address: str = field(repr=False)

    @property
    def shown(self) -> str:
        """Scheme and host: the rest of such an address is often a secret."""
        return host_of(self.address)

    def read(self) -> None:
        """Nothing can be read back."""

    def add(self, anchor: Anchor, note: str) -> None:
        """Post it."""
        reply = post(self.address, {"Content-Type": "text/plain; charset=utf-8"}, note.encode())
        if reply.problem:
            raise NotDelivered(reply.problem)

    def finish(self) -> None:
        """Nothing: an anchor was accepted or not."""


def open_place(address: str, _: Path) -> AnchorHook:
    """The webhook at an address."""
    return AnchorHook(address)
