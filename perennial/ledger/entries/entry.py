"""What every entry of the ledger has in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TriggerKind = Literal["first", "schedule", "new_batch", "drift", "event", "person"]


class Entry(BaseModel):
    """A payload: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recorded(Entry):
    """A payload that stands in the ledger in its own right. `key` makes doing it twice doing it once."""

    @property
    def key(self) -> str:
        """The identity under which the ledger takes it once."""
        raise NotImplementedError


class Trigger(Entry):
    """Why something was started."""

    kind: TriggerKind = Field(description="who or what asks")
    event: str | None = Field(None, description="id of the episode or event, where one asks")
    detail: str = Field("", description="why, for the record")
