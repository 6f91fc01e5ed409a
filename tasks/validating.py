"""What checking a batch comes to: its rows written, its entry ready to be committed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from data_checks.split import raw_rows, split
from data_checks.validation import Validation
from data_checks.validation import validate as run_checks
from perennial.clock import write_instant
from perennial.fault_points import write
from perennial.intake.frames import accepted_table, quarantine_table
from perennial.intake.naming import content_digest, end_of, name_batch, with_late_target
from perennial.ledger.entries import BatchEntry, Rows, Waiver
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import replay_clock
from perennial.sources.parsing import Parsed, UnreadableBatch, parse
from perennial.sources.window import Window
from perennial.store.landing import suffix_of
from perennial.store.rows import accepted_in, known_at
from perennial.store.workspace import Workspace
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from tasks.as_of import scheduled_start


def validated(workspace: Workspace, case: UseCase, window: Window, landing: str, *, again: bool = False) -> BatchEntry:
    """Parse and check landed bytes and write their rows, which nobody sees until the entry is committed.

    The entry that holds this content already comes back, unless the checks are to run `again`; then too where they
    find the same.
    """
    declaration, schema = case.declaration, case.declaration.schema_
    types = column_types(declaration)
    parsed = with_late_target(_parsed(workspace, case, window, landing), declaration)
    digest = content_digest(parsed, schema.key)
    newest = newest_revision(workspace.ledger, case.name, window.name)
    if newest is not None and newest.digest == digest and not again:
        return newest
    waived = waived_checks(workspace.ledger, case.name, window.name, landing)
    named = name_batch(declaration, window.name, digest, newest, waived)
    end = end_of(window, parsed.frame, schema)
    arrived_at = _arrival(workspace, case, end)
    known = known_at(workspace.ledger, case.name, arrived_at)
    found = run_checks(
        parsed,
        declaration,
        as_of=arrived_at,
        window=window,
        accepted_in=accepted_in(workspace.tables, case.name, schema, known, window.name, parsed.frame),
        waived=waived,
    )
    held_because = _held_because(found, len(parsed.frame))
    if newest is not None and again and (newest.held_because, newest.quarantine) == (held_because, found.reasons):
        return newest
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
        because=_because(newest, landing, waived),
        waived=waived,
    )


def newest_revision(ledger: Ledger, usecase: str, window: str) -> BatchEntry | None:
    """The newest entry of a window, accepted or held; None where it never came."""
    found = [r.payload for r in ledger.all(usecase, BatchEntry) if r.payload.window == window]
    return max(found, key=lambda batch: batch.revision, default=None)


def waived_checks(ledger: Ledger, usecase: str, window: str, landing: str) -> tuple[str, ...]:
    """The checks that people waived for these very bytes of a window."""
    waivers = [r.payload for r in ledger.all(usecase, Waiver)]
    return tuple(sorted({c for w in waivers if (w.window, w.landing) == (window, landing) for c in w.checks}))


def _because(
    newest: BatchEntry | None, landing: str, waived: tuple[str, ...]
) -> Literal["arrived", "restated", "requeued", "waived"]:
    if newest is None:
        return "arrived"
    if newest.landing != landing:
        return "restated"
    return "requeued" if waived == newest.waived else "waived"


def _held_because(found: Validation, rows: int) -> tuple[str, ...]:
    if found.held_because or len(found.set_aside) < rows:
        return found.held_because
    worst = found.reasons[0]
    return (f"all {rows:,} rows failed a check, most often {worst.reason} ({worst.rows:,})",)


def _parsed(workspace: Workspace, case: UseCase, window: Window, landing: str) -> Parsed:
    schema = case.declaration.schema_
    data = workspace.landing.read(case.name, landing)
    try:
        types = column_types(case.declaration)
        return parse(data, suffix_of(landing), types, schema.timezone, schema.answer, schema.decimal)
    except UnreadableBatch as problem:
        raise UnreadableBatch(
            f"{window.name}: {problem}\n  nothing of it was taken in; a later batch can go first with `--batch`"
        ) from problem


def _arrival(workspace: Workspace, case: UseCase, end: datetime) -> datetime:
    if case.declaration.clock == "wall":
        return scheduled_start()
    return max(end, replay_clock(workspace.ledger, case.name) or end)
