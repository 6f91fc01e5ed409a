"""What others may build on: an event for each thing that happened to a use case, made from its row in the ledger."""

from __future__ import annotations

from perennial.events.event import Event, event_of, resource_of

__all__ = ["Event", "event_of", "resource_of"]
