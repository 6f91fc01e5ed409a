"""The declaration in use: the one under which the newest batch came."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from perennial.ledger.entries import BatchEntry, DeclarationEntry
from perennial.ledger.ledger import Ledger
from perennial.usecase.declaration import Declaration
from perennial.usecase.edits import Edit, edits


def edits_since(ledger: Ledger, declaration: Declaration) -> tuple[Edit, ...]:
    """What differs from the declaration in use; nothing before the first batch."""
    batches = ledger.all(declaration.name, BatchEntry)
    if not batches or batches[-1].payload.declaration_digest == declaration.digest:
        return ()
    before = ledger.get(declaration.name, DeclarationEntry, batches[-1].payload.declaration_digest)
    if before is None:
        return ()
    return edits(_with_new_fields(before.payload.declaration), declaration.model_dump(mode="json", by_alias=True))


def _with_new_fields(written: dict[str, Any]) -> dict[str, Any]:
    """A declaration that an earlier version wrote, with the fields that came since at their defaults."""
    try:
        return Declaration.model_validate(written).model_dump(mode="json", by_alias=True)
    except ValidationError:
        return written  # what it said is no longer allowed: the edit is told field by field
