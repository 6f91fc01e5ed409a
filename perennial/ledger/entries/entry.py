"""What every entry of the ledger has in common."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

TriggerKind = Literal["first", "schedule", "new_batch", "drift", "event", "person"]


class Entry(BaseModel):
    """A payload: unknown fields are refused, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def left_out_if_none(*names: str) -> Any:
    """A serializer for an entry: fields that were added later are left out of its row where they are None.

    Rows then stay as they were before the fields were added, and so do their hashes.
    """

    def without_none(self: Entry, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if name not in names or value is not None}

    return model_serializer(mode="wrap")(without_none)


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
