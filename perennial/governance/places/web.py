"""A webhook: each anchor is posted as text. It is not read back: its owner keeps what arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from perennial.governance.anchor import Anchor
from perennial.governance.places import NotDelivered
from perennial.posting import post


@dataclass(frozen=True)
class AnchorHook:
    """An address that takes notes."""

    address: str = field(repr=False)

    @property
    def shown(self) -> str:
        """Scheme and host: the rest of such an address is often a secret."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"

    def read(self) -> None:
        """Nothing can be read back."""

    def add(self, anchor: Anchor, note: str) -> None:
        """Post it."""
        if problem := post(self.address, {"Content-Type": "text/plain; charset=utf-8"}, note.encode()):
            raise NotDelivered(problem)

    def finish(self) -> None:
        """Nothing: an anchor was accepted or not."""


def open_place(address: str) -> AnchorHook:
    """The webhook at an address."""
    return AnchorHook(address)
