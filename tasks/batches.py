"""Ingesting a batch: pick its window, store the bytes, validate, accept."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import perennial.sources as sources
from data_checks.validation import validate as run_checks
from perennial.errors import InputError, TerminalError
from perennial.intake.looking import look_at, source_mistakes
from perennial.intake.plausible import future_windows
from perennial.ledger.declaration_history import edits_since, record_declaration
from perennial.ledger.entries import BatchEntry, Cycle
from perennial.settings import settings
from perennial.sources.parsing import Parsed
from perennial.sources.window import Arrival, Source, Window
from perennial.store.landing import name_of
from perennial.store.tables import Name
from perennial.store.workspace import Workspace, open_workspace
from perennial.training.trial import try_out
from perennial.usecase.declaration import UseCase
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import document_of
from tasks.as_of import scheduled_start
from tasks.step import step
from tasks.validating import validated

story = logging.getLogger("perennial.story")
log = logging.getLogger("perennial.tasks")


def _source(case: UseCase) -> Source:
    schema = case.declaration.schema_
    return sources.open_source(
        case.declaration.source, folder=case.folder, schema_time=schema.time, timezone=schema.timezone
    )


@step(timeout_minutes=10)
def pick_window(usecase: str, window: str | None) -> str | None:
    """The given window; or the first one not ingested; or one whose source changed since it was held or accepted.

    None if there is none.
    """
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    known = [w.name for w in _windows(case)]
    _warn_about_the_future(case)
    if window is not None:
        if window not in known:
            raise InputError(
                f"{usecase}: the source has no batch {window!r}. It has {len(known)}: {', '.join(known[:12])}"
                f"{', …' if len(known) > 12 else ''}"
            )
        return window
    newest = _newest(workspace, usecase)
    fresh = next((name for name in known if name not in newest), None)
    return fresh or next(iter(_changed(case, newest)), None)


@step(timeout_minutes=10)
def restated_window(usecase: str) -> str | None:
    """The first of the newest accepted windows whose source has changed; None if there is none."""
    workspace = open_workspace(settings())
    newest = _newest(workspace, usecase)
    accepted = {name: batch for name, batch in newest.items() if batch.status == "accepted"}
    return next(iter(_changed(workspace.use_case(usecase), accepted)), None)


@step(timeout_minutes=10)
def unfinished_window(usecase: str) -> str | None:
    """The window of the newest batch if its cycle did not finish, else None."""
    ledger = open_workspace(settings()).ledger
    batches = [r.payload for r in ledger.all(usecase, BatchEntry)]
    finished = {r.payload.batch for r in ledger.all(usecase, Cycle)}
    open_still = batches and batches[-1].status == "accepted" and batches[-1].batch not in finished
    return batches[-1].window if open_still else None


@step(timeout_minutes=10)
def windows_to_do(usecase: str, first: str | None, last: str | None) -> list[str]:
    """The windows of the source from first to last without a finished cycle, or whose source changed since."""
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    known = [w.name for w in _windows(case)]
    _warn_about_the_future(case)
    for field, name in (("first", first), ("last", last)):
        if name is not None and name not in known:
            raise InputError(f"{field}: the source of {usecase} has no batch {name!r}; it has {', '.join(known[:12])}")
    start, end = known.index(first) if first else 0, known.index(last) if last else len(known) - 1
    finished = {r.payload.batch for r in workspace.ledger.all(usecase, Cycle)}
    newest = _newest(workspace, usecase)
    done = {name for name, batch in newest.items() if batch.batch in finished or batch.status == "held"}
    done -= set(_changed(case, newest))
    return [name for name in known[start : end + 1] if name not in done]


def _newest(workspace: Workspace, usecase: str) -> dict[str, BatchEntry]:
    """The newest entry of each window ingested."""
    return {r.payload.window: r.payload for r in workspace.ledger.all(usecase, BatchEntry)}


def _changed(case: UseCase, newest: Mapping[str, BatchEntry]) -> list[str]:
    """Windows whose source has changed, among all the held ones and the newest `look_back` accepted ones."""
    came = [w for w in _windows(case) if w.name in newest]
    accepted = [w.name for w in came if newest[w.name].status == "accepted"]
    looked_at = set(accepted[len(accepted) - min(len(accepted), case.declaration.look_back) :])
    landed = {n: batch.landing for n, batch in newest.items() if batch.status == "held" or n in looked_at}
    there = [w for w in came if w.name in landed]
    arrivals = (_source(case).fetch(window) for window in there)
    return [a.window.name for a in arrivals if name_of(a.data, a.suffix) != landed[a.window.name]]


@step(timeout_minutes=5)
def is_finished(usecase: str, batch: BatchEntry) -> bool:
    """Whether this exact batch has been through a whole cycle before."""
    return open_workspace(settings()).ledger.get(usecase, Cycle, batch.batch) is not None


@step(timeout_minutes=30)
def land(usecase: str, window: str) -> str:
    """Store the bytes as they arrived; return their name."""
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    arrival = _source(case).fetch(_window(case, window))
    _refuse_what_does_not_run(workspace, case, arrival)
    record_declaration(workspace.ledger, case)
    return workspace.landing.keep(usecase, arrival.data, arrival.suffix)


def _refuse_what_does_not_run(workspace: Workspace, case: UseCase, arrival: Arrival) -> None:
    """Raises DeclarationError, as `check` does, if a new or edited declaration, or its code, cannot run.

    A first batch that lacks columns is held like any other, so that a later good one can go first.
    """
    newest = _newest(workspace, case.name)
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
        return validated(workspace, case, _window(case, window), landing, _windows(case))


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
    return row.payload


def _rows_are_there(workspace: Workspace, usecase: str, batch: BatchEntry) -> None:
    counts: tuple[tuple[Name, int], ...] = (
        ("accepted", batch.rows.accepted),
        ("quarantine", batch.rows.quarantined),
    )
    for name, expected in counts:
        there = workspace.tables.count(usecase, name, batch.batch) if expected else 0
        if there != expected and batch.status == "accepted":
            raise TerminalError(
                f"{usecase}: {batch.window}: {there} of {expected} rows are in the {name} table, so the batch was not "
                f"committed. The landed bytes are kept: run the same command again."
            )


def _windows(case: UseCase) -> list[Window]:
    """The windows of the source without those in the future; on the wall clock also without one that has not ended."""
    windows, now = _source(case).windows(), scheduled_start()
    if case.declaration.clock == "wall":
        return [w for w in windows if w.end is None or w.end <= now]
    if case.declaration.schema_.future:
        return windows
    waiting = future_windows(windows, now)
    return [w for w in windows if w not in waiting]


def _warn_about_the_future(case: UseCase) -> None:
    """Warn about rows dated after today. They wait, even on a replay clock, where this is unexpected."""
    if case.declaration.clock == "replay" and not case.declaration.schema_.future:
        waiting = future_windows(_source(case).windows(), scheduled_start())
        if waiting:
            names = ", ".join(w.name for w in waiting[:3])
            story.warning(
                "%s: rows after today wait (%s). Correct their times, or declare `future: true` under schema.",
                case.name,
                names,
            )


def _window(case: UseCase, name: str) -> Window:
    return next(w for w in _windows(case) if w.name == name)
