"""Declarations as recorded in the ledger, with the custom code that they depend on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from perennial.ledger.entries import BatchEntry, Code, DeclarationEntry, EditedField
from perennial.ledger.ledger import Ledger
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.edits import Edit, edits
from perennial.usecase.team_files import digest_of


def edits_since(ledger: Ledger, declaration: Declaration) -> tuple[Edit, ...]:
    """Differences from the declaration of the newest batch; none before the first batch."""
    newest = _of_newest_batch(ledger, declaration.name)
    if newest is None or newest.digest == declaration.digest:
        return ()
    return edits(_with_new_fields(newest.declaration), declaration.model_dump(mode="json", by_alias=True))


def declared_at_newest_batch(ledger: Ledger, usecase: str) -> dict[str, Any] | None:
    """The declaration of the newest batch, as it was written; None before the first batch."""
    newest = _of_newest_batch(ledger, usecase)
    return newest.declaration if newest else None


def _of_newest_batch(ledger: Ledger, usecase: str) -> DeclarationEntry | None:
    batches = ledger.all(usecase, BatchEntry)
    row = ledger.get(usecase, DeclarationEntry, batches[-1].payload.declaration_digest) if batches else None
    return row.payload if row else None


def newest_declaration(ledger: Ledger, usecase: str) -> Declaration | None:
    """The declaration that was recorded last; None before the first."""
    rows = ledger.all(usecase, DeclarationEntry)
    return Declaration.model_validate(rows[-1].payload.declaration) if rows else None


def record_declaration(ledger: Ledger, case: UseCase) -> None:
    """Record the declaration at its first use, with its code and its changes."""
    for file, text in case.code.texts.items():
        ledger.append(case.name, Code(digest=digest_of(text), file=file, text=text))
    ledger.append(
        case.name,
        DeclarationEntry(
            digest=case.declaration.digest,
            declaration=case.declaration.model_dump(mode="json", by_alias=True),
            edits=tuple(EditedField(**asdict(edit)) for edit in edits_since(ledger, case.declaration)),
        ),
    )


def recorded(ledger: Ledger, usecase: str, digest: str) -> tuple[Declaration, dict[str, str]]:
    """The declaration with that digest, and file → text of the custom code that it named. Raises LookupError."""
    row = ledger.get(usecase, DeclarationEntry, digest)
    if row is None:
        raise LookupError(f"declaration {digest[:16]} of {usecase} is not in the ledger")
    declaration = Declaration.model_validate(row.payload.declaration)
    texts = {}
    for file, of_text in declaration.code.items():
        code = ledger.get(usecase, Code, of_text)
        if code is None:
            raise LookupError(f"the code {of_text[:16]} of {file}, which {usecase} named, is not in the ledger")
        texts[file] = code.payload.text
    return declaration, texts


def _with_new_fields(written: dict[str, Any]) -> dict[str, Any]:
    """A declaration written by an earlier version, with later fields at their defaults."""
    try:
        return Declaration.model_validate(written).model_dump(mode="json", by_alias=True)
    except ValidationError:
        return written  # it is no longer valid: the edit is shown field by field
