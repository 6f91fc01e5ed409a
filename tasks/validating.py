"""Validates a batch: writes its rows and returns its entry, ready to be committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from data_checks.split import accepted_parts, quarantine_parts
from data_checks.validation import Validation
from data_checks.validation import validate as run_checks
from perennial.clock import instant
from perennial.fault_points import write
from perennial.intake.copies import copies_in
from perennial.intake.frames import accepted_table, quarantine_table
from perennial.intake.missing import BATCHES_COMPARED, often_missing
from perennial.intake.naming import content_digest, with_late_target
from perennial.intake.plan import Arrived, Planned, Present, arrival, plan
from perennial.intake.plausible import plausible_times
from perennial.intake.spread import spread_batch
from perennial.intake.typed import stored_batch, too_large, typed_batch
from perennial.intake.unfinished import unfinished
from perennial.ledger.entries import BatchEntry, Waiver
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import newest_entries, replay_clock
from perennial.sources.batch_rows import BatchRows
from perennial.sources.config import FilesSource
from perennial.sources.csv_in_parts import CsvFile
from perennial.sources.delimited import UnreadableBatch
from perennial.sources.suffix import Suffix
from perennial.sources.window import Window
from perennial.store.keys import accepted_in
from perennial.store.known import known_at
from perennial.store.landing import suffix_of
from perennial.store.stream import Parts
from perennial.store.tables import Name
from perennial.store.workspace import Workspace
from perennial.usecase.columns import column_types, read_options
from perennial.usecase.declaration import UseCase
from tasks.as_of import arriving, scheduled_start
from tasks.step import in_fleet

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def validated(
    workspace: Workspace,
    case: UseCase,
    window: Window,
    landing: str,
    windows: Sequence[Window] = (),
    *,
    again: bool = False,
) -> BatchEntry:
    """Parse and check landed bytes and write their rows, which are not visible until the entry is committed.

    An existing entry with the same content is returned, unless the checks are to run `again` and give another result.
    Bytes from which rows were erased since are the same content.
    windows: all that the source has by now, from which a far-off window is recognised.
    """
    declaration, key = case.declaration, case.declaration.schema_.key
    newest = newest_entries(workspace.ledger, case.name).get(window.name)
    erased = workspace.landing.was_erased(case.name, landing)
    if newest is not None and erased and landing == newest.landing and not again:
        return newest
    suffix = suffix_of(workspace.landing.kept_as(case.name, landing))
    with (
        workspace.landing.file(case.name, landing) as file,
        _typed(workspace, case, window, landing, file, suffix) as (batch, data),
    ):
        digest = content_digest(batch, key)
        present = _present(workspace, case, window, landing, windows, batch)
        if present.newest is not None and present.newest.digest == digest and not again:
            return present.newest
        arrived = arrival(declaration, window, landing, digest, batch, present)
        copies = copies_in(data, suffix, batch, key, read_options(declaration))
        validation = _checked(workspace, case, arrived, batch, copies, present)
        planned = plan(declaration, arrived, present, batch, validation)
        if present.newest is not None and again and planned.same_as(present.newest):
            return present.newest
        workspace.validations.keep(case.name, arrived.named.batch, validation.results)
        accepted, quarantine = (
            _cleared(workspace, case, planned) if planned.held else _written(workspace, case, planned, batch)
        )
        return planned.entry(declaration, present, batch, accepted, quarantine)


@contextmanager
def _typed(
    workspace: Workspace, case: UseCase, window: Window, landing: str, file: Path, suffix: Suffix
) -> Iterator[tuple[BatchRows, Callable[[], bytes] | Path | CsvFile]]:
    """The batch in memory, or typed into other files if it has more rows than that allows; and its bytes, or file."""
    where, site = workspace.settings, workspace.site
    with ExitStack() as until_read:
        batch: BatchRows
        try:
            large = too_large(file, suffix, read_options(case.declaration), where.rows_in_memory)
            if large is None:
                batch = typed_batch(case.declaration, file.read_bytes(), suffix)
            elif site is not None:
                landed = workspace.landing.place(case.name, landing)
                batch = until_read.enter_context(spread_batch(case.declaration, large, landed, site))
            else:
                batch = until_read.enter_context(stored_batch(case.declaration, large, where.spill))
        except UnreadableBatch as problem:
            after = "later batches wait for it" if in_fleet() else "a later batch can go first"
            raise UnreadableBatch(
                f"{window.name}: {problem}\n  {_where(case, window, suffix)}none of it was ingested; {after}",
                value=case.name,
            ) from problem
        yield with_late_target(batch, case.declaration), large or file.read_bytes


def _where(case: UseCase, window: Window, suffix: Suffix) -> str:
    """The file of the batch, or where its files are; empty for a source of another kind."""
    source = case.declaration.source
    if not isinstance(source, FilesSource):
        return ""
    file = f"{source.path.rstrip('/')}/{window.name}{suffix}"
    return f"in {file if source.batch == 'file' and (case.folder / file).is_file() else source.path}; "


def _checked(
    workspace: Workspace,
    case: UseCase,
    arrived: Arrived,
    batch: BatchRows,
    copies: Mapping[int, int],
    present: Present,
) -> Validation:
    """The results of all checks, including those that read earlier batches."""
    schema, window = case.declaration.schema_, arrived.window
    known = known_at(workspace.ledger, case.name, arrived.arrived_at)
    return run_checks(
        batch,
        case.declaration,
        as_of=arrived.arrived_at,
        window=window,
        accepted_in=accepted_in(workspace.tables, case.name, schema, known, window.name, batch),
        time_faults=arrived.time_faults,
        copies=copies,
        waived=present.waived,
        unfinished=_unfinished(case, arrived, batch, present),
        engine=workspace.engine,
    )


def _unfinished(case: UseCase, arrived: Arrived, batch: BatchRows, present: Present) -> str:
    """Why the batch's window is not over yet; empty if it is, or its times are unknown."""
    schema, faults = case.declaration.schema_, arrived.time_faults
    if faults is None or arrived.window.start is None:
        return ""
    now = present.now if case.declaration.clock == "wall" else None
    return unfinished(arrived.window, present.windows, plausible_times(batch, schema.time, faults), now)


def _written(workspace: Workspace, case: UseCase, planned: Planned, batch: BatchRows) -> tuple[int, int]:
    """The versions of the two tables that have the rows. Rows left by a killed run are replaced."""
    name, at, aside = planned.arrived.named.batch, planned.arrived.arrived_at, planned.set_aside

    def accepted(rows: pd.DataFrame) -> pa.Table:
        return accepted_table(rows, case.declaration, column_types(case.declaration), name, at)

    def parts() -> Iterator[pa.Table]:
        return map(accepted, accepted_parts(batch, aside))

    def quarantined() -> Iterator[pa.Table]:
        return (quarantine_table(rows, name, at) for rows in quarantine_parts(batch, aside))

    with write("accepted_table"):
        rows = Parts(accepted(batch.taken([]).frame).schema, planned.rows.accepted, parts)
        version = workspace.tables.append(case.name, "accepted", rows, name)
    with write("quarantine_table"):
        rows = Parts(next(quarantined()).schema, planned.rows.quarantined, quarantined)
        return version, workspace.tables.append(case.name, "quarantine", rows, name)


def _cleared(workspace: Workspace, case: UseCase, planned: Planned) -> tuple[None, None]:
    """No version of a table has rows of a held batch: those that a killed run wrote before it was held are removed."""
    tables: tuple[Name, ...] = ("accepted", "quarantine")
    for name in tables:
        if workspace.tables.count(case.name, name, planned.arrived.named.batch):
            workspace.tables.sweep(case.name, name, planned.arrived.named.batch)
    return None, None


def _present(
    workspace: Workspace, case: UseCase, window: Window, landing: str, windows: Sequence[Window], batch: BatchRows
) -> Present:
    ledger = workspace.ledger
    entries = newest_entries(ledger, case.name)
    others = [entry for name, entry in entries.items() if name != window.name]
    return Present(
        now=arriving(workspace, case.name) if case.declaration.clock == "wall" else scheduled_start(),
        clock=replay_clock(ledger, case.name, without=window.name),
        newest=entries.get(window.name),
        waived=waived_checks(ledger, case.name, window.name, landing),
        windows=(*windows, *_came(others)) if window.start is not None else (),
        usual=float(median(entry.rows.arrived for entry in others)) if others else None,
        extra=frozenset(name for entry in others for name in entry.extra_columns) if others else None,
        missing=_usually_missing(workspace, case, batch, others),
        ends=tuple(instant(entry.end) for entry in others if entry.status == "accepted"),
    )


def _came(others: Sequence[BatchEntry]) -> list[Window]:
    return [Window(instant(e.start), instant(e.end), e.window) for e in others if e.start and e.status == "accepted"]


def _usually_missing(
    workspace: Workspace, case: UseCase, batch: BatchRows, others: Sequence[BatchEntry]
) -> dict[str, float]:
    """Of the features that are often missing in this batch: in which share of the rows of the last batches before."""
    names = list(often_missing(batch, case.declaration))
    batches = [entry.batch for entry in others if entry.status == "accepted"][-BATCHES_COMPARED:]
    rows = workspace.tables.read(case.name, "accepted", batches, names) if names and batches else None
    if rows is None or not rows.num_rows:
        return {}
    return {name: rows[name].null_count / rows.num_rows for name in rows.column_names}


def newest_revision(ledger: Ledger, usecase: str, window: str) -> BatchEntry | None:
    """The newest entry of a window, accepted or held; None if it was never ingested."""
    revisions = [r.payload for r in ledger.all(usecase, BatchEntry) if r.payload.window == window]
    return max(revisions, key=lambda batch: batch.revision, default=None)


def waived_checks(ledger: Ledger, usecase: str, window: str, landing: str) -> tuple[str, ...]:
    """The checks that people waived for exactly these bytes of a window."""
    waivers = [r.payload for r in ledger.all(usecase, Waiver)]
    return tuple(sorted({c for w in waivers if (w.window, w.landing) == (window, landing) for c in w.checks}))
