"""Ingesting a batch: pick its window, store the bytes, validate, accept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from data_checks.validation import validate as run_checks
from perennial.errors import TerminalError
from perennial.intake import due
from perennial.intake.due import (
    changed_windows,
    due_window,
    listed,
    not_in_source,
    source_of,
    unfinished_window,
    window_named,
)
from perennial.intake.looking import look_at, source_mistakes
from perennial.ledger.declaration_history import edits_since, record_declaration
from perennial.ledger.entries import BatchEntry, Cycle
from perennial.ledger.erased import erased_rows
from perennial.ledger.present import newest_entries
from perennial.settings import settings
from perennial.sources.parsing import Parsed
from perennial.sources.window import Arrival, Window
from perennial.store.tables import Name
from perennial.store.workspace import Workspace, open_workspace
from perennial.training.trial import try_out
from perennial.usecase.declaration import UseCase
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import document_of
from tasks.as_of import scheduled_start
from tasks.events import announce
from tasks.step import step
from tasks.validating import validated

story = logging.getLogger("perennial.story")
log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=10)
def pick_window(usecase: str, window: str | None, unfinished_first: bool = False) -> str | None:
    """The given window; or the first one not ingested; or one whose source changed since it was held or accepted.

    None if there is none. unfinished_first: the newest one before all others, where its cycle did not end.
    """
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    if window is None and unfinished_first:
        window = unfinished_window(workspace.ledger, usecase)
    there = listed(case, scheduled_start())
    _warn_about_the_future(case, there.after_today)
    if window is not None:
        known = [w.name for w in there.ready]
        if window not in known:
            raise not_in_source(usecase, "batch", window, known)
        return window
    return due_window(case, workspace.ledger, there.ready)


@step(timeout_minutes=10)
def restated_window(usecase: str) -> str | None:
    """The first of the newest accepted windows whose source has changed; None if there is none."""
    workspace = open_workspace(settings())
    newest = newest_entries(workspace.ledger, usecase)
    accepted = {name: batch for name, batch in newest.items() if batch.status == "accepted"}
    case = workspace.use_case(usecase)
    return next(iter(changed_windows(case, accepted, listed(case, scheduled_start()).ready)), None)


@step(timeout_minutes=10)
def windows_to_do(usecase: str, first: str | None, last: str | None) -> list[str]:
    """The windows of the source from first to last without a finished cycle, or whose source changed since."""
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    there = listed(case, scheduled_start())
    _warn_about_the_future(case, there.after_today)
    return due.windows_to_do(case, workspace.ledger, there.ready, first, last)


@step(timeout_minutes=5)
def is_finished(usecase: str, batch: BatchEntry) -> bool:
    """Whether this exact batch has been through a whole cycle before."""
    return open_workspace(settings()).ledger.get(usecase, Cycle, batch.batch) is not None


@step(timeout_minutes=30)
def land(usecase: str, window: str) -> str:
    """Store the bytes as they arrived; return their name."""
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    arrival = source_of(case).fetch(window_named(case, window, scheduled_start()))
    _refuse_what_does_not_run(workspace, case, arrival)
    record_declaration(workspace.ledger, case)
    return workspace.landing.keep(usecase, arrival.content, arrival.suffix)


def _refuse_what_does_not_run(workspace: Workspace, case: UseCase, arrival: Arrival) -> None:
    """Raises DeclarationError, as `check` does, if a new or edited declaration, or its code, cannot run.

    A first batch that lacks columns is held like any other, so that a later good one can go first.
    """
    newest = newest_entries(workspace.ledger, case.name)
    if newest and not edits_since(workspace.ledger, case.declaration):
        return
    document = document_of(case)
    looked = look_at(case, arrival, is_new=arrival.window.name not in newest)
    mistakes = source_mistakes(case, document, looked) if newest else []
    if try_out(case, document, looked.batch):
        mistakes += try_out(case, document, _that_pass(case, arrival, looked.batch))
    if mistakes:
        raise DeclarationError(mistakes)


def _that_pass(case: UseCase, arrival: Arrival, batch: Parsed | None) -> Parsed | None:
    """The rows that pass the checks, the only ones that need to run; None if the batch will be held."""
    if batch is None:
        return None
    checked = run_checks(batch, case.declaration, as_of=scheduled_start(), window=arrival.window)
    return None if checked.held else replace(batch, frame=batch.frame.drop(index=list(checked.set_aside)))


@step(timeout_minutes=60)
def validate(usecase: str, window: str, landing: str) -> BatchEntry:
    """Parse and check a batch and write its rows, which stay invisible until `accept` commits them."""
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    with workspace.only_one(usecase, "ingest"):
        named = window_named(case, window, scheduled_start())
        # Only a stretch of time can be far away from others; a file's times are those of its rows.
        others = listed(case, scheduled_start()).ready if named.start is not None else ()
        return validated(workspace, case, named, landing, others)


@step(timeout_minutes=5)
def accept(usecase: str, batch: BatchEntry) -> BatchEntry:
    """Commit the batch: from now on its rows count, or it is recorded as held."""
    workspace = open_workspace(settings())
    with workspace.only_one(usecase, "ingest"):
        _rows_are_there(workspace, usecase, batch)
        row, written = workspace.ledger.append(usecase, batch)
    if row.payload.batch != batch.batch:
        raise TerminalError(
            f"{usecase}: another process ingested {row.key} with other content at the same time. "
            f"Nothing is lost: run the same command again, and this content becomes the next revision."
        )
    log.info("batch %s %s %s", usecase, row.key, row.payload.status if written else "was there already")
    announce(usecase)
    return row.payload


def _rows_are_there(workspace: Workspace, usecase: str, batch: BatchEntry) -> None:
    counts: tuple[tuple[Name, int], ...] = (
        ("accepted", batch.rows.accepted),
        ("quarantine", batch.rows.quarantined),
    )
    for name, expected in counts:
        there = workspace.tables.count(usecase, name, batch.batch) if expected else 0
        expected -= erased_rows(workspace.ledger, usecase, name).get(batch.batch, 0)
        if there != expected and batch.status == "accepted":
            raise TerminalError(
                f"{usecase}: {batch.window}: {there} of {expected} rows are in the {name} table, so the batch was not "
                f"committed. The landed bytes are kept: run the same command again."
            )


def _warn_about_the_future(case: UseCase, waiting: Sequence[Window]) -> None:
    """Warn about rows dated after today. They wait, even on a replay clock, where this is unexpected."""
    if waiting:
        names = ", ".join(w.name for w in waiting[:3])
        story.warning(
            "%s: rows after today wait (%s). Correct their times, or declare `future: true` under schema.",
            case.name,
            names,
        )
