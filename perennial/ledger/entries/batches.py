"""Batches, labels and waivers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from perennial.identity import short_id
from perennial.ledger.entries.entry import Entry, Recorded


class Reason(Entry):
    """How many rows were set aside for one reason. A row may have several reasons."""

    reason: str
    rows: int


class Rows(Entry):
    """arrived = accepted + quarantined, unless the batch is held; unlabelled are among the accepted."""

    arrived: int
    accepted: int
    quarantined: int
    unlabelled: int


class BatchEntry(Recorded):
    """A batch that was taken in or held. Key: `window/revision`; a use case has one source.

    notes: checks that were not evaluated, and why; left out of the row where there is none.
    """

    batch: str
    window: str
    start: str | None
    end: str
    revision: int
    landing: str
    digest: str
    arrived_at: str
    status: Literal["accepted", "held"]
    rows: Rows
    quarantine: tuple[Reason, ...]
    warnings: tuple[str, ...]
    held_because: tuple[str, ...]
    extra_columns: tuple[str, ...]
    table_version: int | None
    quarantine_version: int | None
    declaration_digest: str
    because: Literal["arrived", "restated", "requeued", "waived"] = Field(
        "arrived", description="why there is this revision: other content, checks run again, or checks waived"
    )
    waived: tuple[str, ...] = Field((), description="checks that a person waived for these landed bytes")
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.window}/{self.revision}"

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As before the notes were added where there is none."""
        return {name: value for name, value in serialize(self).items() if name != "notes" or value}


class Waiver(Recorded):
    """A person's waiver of failed checks on the data that landed for a window. Key: of window, landing and checks."""

    window: str
    landing: str
    checks: tuple[str, ...]
    by: str
    reason: str

    @property
    def key(self) -> str:
        return short_id([self.window, self.landing, *self.checks])


class LabelBatchEntry(Recorded):
    """Labels that arrived in a separate file, accepted or held. Key: the landing and the declaration.

    rows: the accepted ones, each of which counts from the time it is known; refused: those set aside. No row of a held
    file counts; the file is checked again after the declaration is edited.
    """

    batch: str
    landing: str
    file: str
    rows: int
    refused: int
    arrived_at: str
    table_version: int | None
    status: Literal["accepted", "held"]
    quarantine: tuple[Reason, ...]
    held_because: tuple[str, ...]
    declaration_digest: str

    @property
    def key(self) -> str:
        return f"{self.landing}/{self.declaration_digest}"
