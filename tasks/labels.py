"""Taking in labels that arrive later, in files of their own."""

from __future__ import annotations

import logging

import perennial.sources as sources
from perennial.clock import write_instant
from perennial.fault_points import write
from perennial.identity import short_id
from perennial.intake.frames import labels_table, quarantine_table
from perennial.intake.labels import sort_labels
from perennial.ledger.entries import LabelBatchEntry
from perennial.ledger.present import replay_clock
from perennial.sources.parsing import parse
from perennial.sources.window import Arrival
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_source import FilesSource, LabelSource
from tasks.as_of import scheduled_start
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=30)
def take_labels(usecase: str) -> list[str]:
    """Take in every label file that is new; the ids of the label batches it made."""
    workspace = open_workspace()
    case = workspace.use_case(usecase)
    late = case.declaration.labels
    if late is None:
        return []
    where = case.folder / late.path
    if where.is_dir() and not any(where.iterdir()):
        return []  # no label has come yet
    schema = case.declaration.schema_
    source = sources.open_source(
        FilesSource(kind="files", path=late.path, batch="file"),
        folder=case.folder,
        schema_time=late.known_at,
        timezone=schema.timezone,
    )
    with workspace.only_one(usecase, "ingest"):
        taken = {r.payload.landing for r in workspace.ledger.all(usecase, LabelBatchEntry)}
        return [
            batch
            for window in source.windows()
            if (batch := _take(workspace, case, late, source.fetch(window), taken)) is not None
        ]


def _take(workspace: Workspace, case: UseCase, late: LabelSource, arrival: Arrival, taken: set[str]) -> str | None:
    landing = workspace.landing.keep(case.name, arrival.data, arrival.suffix, point="label_landing")
    if landing in taken:
        return None
    schema = case.declaration.schema_
    of_case = column_types(case.declaration)
    types = {name: of_case[name] for name in (*schema.key, schema.target)}
    read = {**types, late.known_at: "timestamp"}
    parsed = parse(arrival.data, arrival.suffix, read, schema.timezone, schema.answer, schema.decimal)
    batch = short_id([case.name, "labels", landing])
    arrived_at = scheduled_start() if case.declaration.clock == "wall" else replay_clock(workspace.ledger, case.name)
    if arrived_at is None:
        return None  # the replay clock starts with the first batch; labels before it wait for the next look
    good, bad = sort_labels(parsed, case.declaration, late.known_at)
    version = None
    with write("labels_table"):
        table = labels_table(good, case.declaration, types, batch, arrived_at)
        version = workspace.tables.append(case.name, "labels", table, batch)
    if len(bad):
        workspace.tables.append(case.name, "quarantine", quarantine_table(bad, batch, arrived_at), batch)
    workspace.ledger.append(
        case.name,
        LabelBatchEntry(
            batch=batch,
            landing=landing,
            file=arrival.window.name,
            rows=len(good),
            refused=len(bad),
            arrived_at=write_instant(arrived_at),
            table_version=version,
        ),
    )
    log.info("labels %s %s: %d rows, %d set aside", case.name, arrival.window.name, len(good), len(bad))
    return batch
