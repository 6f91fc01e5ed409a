"""Runs the checks again on what was set aside or held, from the landed bytes."""

from __future__ import annotations

from perennial.clock import instant
from perennial.errors import InputError
from perennial.intake.set_aside import open_still
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.sources.window import Window
from perennial.store.workspace import open_workspace
from tasks.step import step
from tasks.validating import newest_revision, validated


@step(timeout_minutes=10)
def windows_to_requeue(usecase: str, window: str | None) -> list[str]:
    """The given window, or all that are held or have rows set aside."""
    ledger = open_workspace(settings()).ledger
    if window is None:
        return [batch.window for batch in open_still([r.payload for r in ledger.all(usecase, BatchEntry)])]
    if newest_revision(ledger, usecase, window) is None:
        raise InputError(f"{usecase} has no batch {window!r}", code="batch-unknown", field="batch", value=window)
    return [window]


@step(timeout_minutes=60)
def validate_again(usecase: str, window: str) -> BatchEntry:
    """Check the landed bytes under the current declaration: the next revision, or the existing entry."""
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    with workspace.only_one(usecase, "ingest"):
        batch = newest_revision(workspace.ledger, usecase, window)
        assert batch is not None, "the window was chosen because it has an entry"
        stretch = (
            Window(instant(batch.start), instant(batch.end), window) if batch.start else Window(None, None, window)
        )
        record_declaration(workspace.ledger, case)
        return validated(workspace, case, stretch, batch.landing, again=True)
