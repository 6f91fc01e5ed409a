"""Declarations and their edits."""

from __future__ import annotations

from typing import Any

from perennial.ledger.entries.entry import Entry, Recorded


class EditedField(Entry):
    """A field that differs from the previous declaration, and what the change restarts."""

    field: str
    old: Any
    new: Any
    restarts: str


class DeclarationEntry(Recorded):
    """A declaration at its first use, with its changes. Key: its digest."""

    digest: str
    declaration: dict[str, Any]
    edits: tuple[EditedField, ...] = ()

    @property
    def key(self) -> str:
        return self.digest
