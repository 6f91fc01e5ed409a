"""What a decision was taken with, as the ledger held it then."""

from __future__ import annotations

from perennial.errors import TerminalError
from perennial.ledger.entries import Code, Decision, DeclarationEntry
from perennial.ledger.ledger import Ledger, Payload, Row
from perennial.usecase.declaration import Declaration


class Gone(TerminalError):
    """Something that a decision was computed from is missing or has changed."""

    code = "replay-source-gone"


def declaration_then(past: Ledger, usecase: str, digest: str) -> Declaration:
    """The declaration with that digest. Raises Gone."""
    entry = needed(past.get(usecase, DeclarationEntry, digest), f"declaration {digest[:16]}")
    return Declaration.model_validate(entry.payload.declaration)


def sources_then(past: Ledger, decision: Decision) -> dict[str, str]:
    """File name → text of the custom metrics and groups of a decision. Raises Gone."""
    return {
        file: needed(past.get(decision.usecase, Code, digest), f"the code {digest[:16]} of {file}").payload.text
        for file, digest in decision.code.items()
    }


def needed(row: Row[Payload] | None, what: str) -> Row[Payload]:
    """The row. Raises Gone if there is none."""
    if row is None:
        raise Gone(f"{what} is not in the ledger before this decision")
    return row
