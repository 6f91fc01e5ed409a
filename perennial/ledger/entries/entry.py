"""What every entry of the ledger has in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TriggerKind = Literal["first", "schedule", "new_batch", "drift", "event", "person"]


class Entry(BaseModel):
    """A payload: unknown fields are refused, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recorded(Entry):
    """A payload with a ledger row. Appending it twice under the same `key` writes one row."""

    @property
    def key(self) -> str:
        """The identity under which the ledger holds it once."""
        raise NotImplementedError


class Trigger(Entry):
    """Why something was started."""

    kind: TriggerKind = Field(description="who or what started it")
    event: str | None = Field(None, description="id of the episode or event, if one started it")
    detail: str = Field("", description="why, for the record")
