"""Taking a batch in: pick its window, land the bytes, validate, accept."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime

import perennial.sources as sources
from data_checks.quarantine import raw_rows, split
from data_checks.validation import validate as run_checks
from perennial.clock import write_instant
from perennial.errors import InputError, TerminalError
from perennial.fault_points import write
from perennial.release.state import replay_clock
from perennial.sources.parsing import Parsed, UnreadableBatch, parse
from perennial.sources.window import Source, Window
from perennial.store.batches import (
    accepted_table,
    content_digest,
    end_of,
    name_batch,
    quarantine_table,
    with_late_target,
)
from perennial.store.entries import BatchEntry, Cycle, DeclarationEntry, EditedField, Rows
from perennial.store.in_use import edits_since
from perennial.store.landing import suffix_of
from perennial.store.rows import accepted_in, known_at
from perennial.store.tables import Name
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from tasks.moment import scheduled_start
from tasks.step import step

log = logging.getLogger("perennial.tasks")


def _source(case: UseCase) -> Source:
    schema = case.declaration.schema_
    return sources.open_source(
        case.declaration.source, folder=case.folder, schema_time=schema.time, timezone=schema.timezone
    )


@step(timeout_minutes=10)
def pick_window(usecase: str, window: str | None) -> str | None:
    """The window asked for, or the first that never came; None if all did."""
    workspace = open_workspace()
    case = workspace.use_case(usecase)
    known = [w.name for w in _windows(case)]
    if window is not None:
        if window not in known:
            raise InputError(
                f"{usecase}: the source has no batch {window!r}. It has {len(known)}: {', '.join(known[:12])}"
                f"{', …' if len(known) > 12 else ''}"
            )
        return window
    arrived = {r.payload.window for r in workspace.ledger.all(usecase, BatchEntry)}
    return next((name for name in known if name not in arrived), None)


@step(timeout_minutes=10)
def unfinished_window(usecase: str) -> str | None:
    """The newest batch's window if no cycle of it ran to its end, else None."""
    ledger = open_workspace().ledger
    batches = [r.payload for r in ledger.all(usecase, BatchEntry)]
    finished = {r.payload.batch for r in ledger.all(usecase, Cycle)}
    open_still = batches and batches[-1].status == "accepted" and batches[-1].batch not in finished
    return batches[-1].window if open_still else None


@step(timeout_minutes=10)
def windows_to_do(usecase: str, first: str | None, last: str | None) -> list[str]:
    """The source's windows from first to last that no finished cycle covers; held batches are not tried again."""
    workspace = open_workspace()
    known = [w.name for w in _windows(workspace.use_case(usecase))]
    for field, name in (("first", first), ("last", last)):
        if name is not None and name not in known:
            raise InputError(f"{field}: the source of {usecase} has no batch {name!r}; it has {', '.join(known[:12])}")
    start, end = known.index(first) if first else 0, known.index(last) if last else len(known) - 1
    finished = {r.payload.batch for r in workspace.ledger.all(usecase, Cycle)}
    done = {
        r.payload.window
        for r in workspace.ledger.all(usecase, BatchEntry)
        if r.payload.batch in finished or r.payload.status == "held"
    }
    return [name for name in known[start : end + 1] if name not in done]


@step(timeout_minutes=5)
def is_finished(usecase: str, batch: BatchEntry) -> bool:
    """Whether this very batch has been through a whole cycle before."""
    return open_workspace().ledger.get(usecase, Cycle, batch.batch) is not None


@step(timeout_minutes=30)
def land(usecase: str, window: str) -> str:
    """Keep the bytes as they arrive; the name under which they lie."""
    workspace = open_workspace()
    case = workspace.use_case(usecase)
    workspace.ledger.append(
        usecase,
        DeclarationEntry(
            digest=case.declaration.digest,
            declaration=case.declaration.model_dump(mode="json", by_alias=True),
            edits=tuple(EditedField(**asdict(edit)) for edit in edits_since(workspace.ledger, case.declaration)),
        ),
    )
    arrival = _source(case).fetch(_window(case, window))
    return workspace.landing.keep(usecase, arrival.data, arrival.suffix)


@step(timeout_minutes=60)
def validate(usecase: str, window: str, landing: str) -> BatchEntry:
    """Parse and check a batch and write its rows, which nobody sees until `accept` commits them."""
    workspace = open_workspace()
    case = workspace.use_case(usecase)
    with workspace.only_one(usecase, "ingest"):
        return _validated(workspace, case, _window(case, window), landing)


@step(timeout_minutes=5)
def accept(usecase: str, batch: BatchEntry) -> BatchEntry:
    """Commit the batch: from now on its rows count, or it is on record as held."""
    workspace = open_workspace()
    with workspace.only_one(usecase, "ingest"):
        _rows_are_there(workspace, usecase, batch)
        row, written = workspace.ledger.append(usecase, batch)
    if row.payload.batch != batch.batch:
        raise TerminalError(
            f"{usecase}: another process took in {row.key} with other content at the same time. "
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
        found = workspace.tables.count(usecase, name, batch.batch) if expected else 0
        if found != expected and batch.status == "accepted":
            raise TerminalError(
                f"{usecase}: {batch.window}: {found} of {expected} rows are in the {name} table, so the batch was not "
                f"committed. The landed bytes are kept: run the same command again."
            )


def _windows(case: UseCase) -> list[Window]:
    """What the source has; on the wall clock without a window that has not ended yet."""
    windows = _source(case).windows()
    if case.declaration.clock == "replay":
        return windows
    now = scheduled_start()
    return [w for w in windows if w.end is None or w.end <= now]


def _window(case: UseCase, name: str) -> Window:
    return next(w for w in _windows(case) if w.name == name)


def _validated(workspace: Workspace, case: UseCase, window: Window, landing: str) -> BatchEntry:
    declaration, schema = case.declaration, case.declaration.schema_
    types = column_types(declaration)
    parsed = with_late_target(_parsed(workspace, case, window, landing), declaration)
    revisions = [r.payload for r in workspace.ledger.all(case.name, BatchEntry) if r.payload.window == window.name]
    named = name_batch(declaration, window.name, content_digest(parsed.frame, parsed.unreadable, schema.key), revisions)
    if isinstance(named, BatchEntry):
        return named
    end = end_of(window, parsed.frame, schema)
    arrived_at = _arrival(workspace, case, end)
    known = known_at(workspace.ledger, case.name, arrived_at)
    found = run_checks(
        parsed,
        declaration,
        as_of=arrived_at,
        window=window,
        accepted_in=accepted_in(workspace.tables, case.name, schema, known, window.name, parsed.frame),
    )
    held_because = found.held_because
    if not held_because and len(found.set_aside) == len(parsed.frame):
        worst = found.reasons[0]
        held_because = (f"all {len(parsed.frame):,} rows failed a check, most often {worst.reason} ({worst.rows:,})",)
    workspace.validations.keep(case.name, named.batch, found.results)
    versions: dict[str, int | None] = {"accepted": None, "quarantine": None}
    rows = Rows(arrived=len(parsed.frame), accepted=0, quarantined=0, unlabelled=0)
    if not held_because:
        good, bad = split(parsed.frame, raw_rows(parsed, sorted(found.set_aside)), found.set_aside)
        rows = Rows(
            arrived=len(parsed.frame),
            accepted=len(good),
            quarantined=len(bad),
            unlabelled=int(good[schema.target].isna().sum()),
        )
        with write("accepted_table"):
            table = accepted_table(good, declaration, types, named.batch, arrived_at)
            versions["accepted"] = workspace.tables.append(case.name, "accepted", table, named.batch)
        with write("quarantine_table"):
            aside = quarantine_table(bad, named.batch, arrived_at)
            versions["quarantine"] = workspace.tables.append(case.name, "quarantine", aside, named.batch)
    return BatchEntry(
        batch=named.batch,
        window=window.name,
        start=write_instant(window.start) if window.start else None,
        end=write_instant(end),
        revision=named.revision,
        landing=landing,
        digest=named.digest,
        arrived_at=write_instant(arrived_at),
        status="held" if held_because else "accepted",
        rows=rows,
        quarantine=found.reasons,
        warnings=found.warnings,
        held_because=held_because,
        extra_columns=parsed.extra,
        table_version=versions["accepted"],
        quarantine_version=versions["quarantine"],
        declaration_digest=declaration.digest,
    )


def _parsed(workspace: Workspace, case: UseCase, window: Window, landing: str) -> Parsed:
    schema = case.declaration.schema_
    data = workspace.landing.read(case.name, landing)
    try:
        return parse(data, suffix_of(landing), column_types(case.declaration), schema.timezone, schema.answer)
    except UnreadableBatch as problem:
        raise UnreadableBatch(
            f"{window.name}: {problem}\n  nothing of it was taken in; a later batch can go first with `--batch`"
        ) from problem


def _arrival(workspace: Workspace, case: UseCase, end: datetime) -> datetime:
    if case.declaration.clock == "wall":
        return scheduled_start()
    return max(end, replay_clock(workspace.ledger, case.name) or end)
