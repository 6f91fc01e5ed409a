"""Ingesting labels that arrive later, in separate files."""

from __future__ import annotations

import logging
from datetime import datetime

from data_checks.split import raw_rows, split
from perennial.clock import write_instant
from perennial.fault_points import write
from perennial.identity import short_id
from perennial.intake.due import label_files_looked_at, new_label_files
from perennial.intake.frames import labels_table, quarantine_table
from perennial.intake.labels import SortedLabels, no_labels, sort_labels
from perennial.intake.typed import typed
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import LabelBatchEntry
from perennial.ledger.present import next_moment
from perennial.settings import settings
from perennial.sources.column_type import ColumnType
from perennial.sources.parsing import Parsed, UnreadableBatch
from perennial.sources.window import Arrival
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.columns import column_types, label_options
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.declared_source import LabelSource
from tasks.as_of import arriving
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=30)
def take_labels(usecase: str) -> list[str] | None:
    """Take in every label file that is new; the ids of the label batches it made. A held one is a batch too.

    None on a replay clock that no batch has started yet: the files wait for the first batch.
    """
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    late = case.declaration.labels
    if late is None:
        return []
    arrived_at = (
        arriving(workspace, usecase) if case.declaration.clock == "wall" else next_moment(workspace.ledger, usecase)
    )
    if arrived_at is None:
        return None
    with workspace.only_one(usecase, "ingest"):
        looked_at = label_files_looked_at(workspace.ledger, case)
        return [_take(workspace, case, late, arrival, arrived_at) for arrival in new_label_files(case, looked_at)]


def _take(workspace: Workspace, case: UseCase, late: LabelSource, arrival: Arrival, arrived_at: datetime) -> str:
    landing = workspace.landing.keep(case.name, arrival.content, arrival.suffix, point="label_landing")
    record_declaration(workspace.ledger, case)
    declaration = case.declaration
    types = {name: column_types(declaration)[name] for name in (*declaration.schema_.key, declaration.schema_.target)}
    try:
        parsed = _parsed(declaration, arrival, {**types, late.known_at: "timestamp"})
        labels = sort_labels(parsed, declaration, late.known_at, arrived_at)
    except UnreadableBatch as problem:
        parsed, labels = None, SortedLabels(no_labels(), {}, (), (str(problem),))
    # What was sorted is part of the identity: a run after a crash may sort by another arrival.
    batch = short_id([case.name, "labels", landing, declaration.digest, sorted(labels.set_aside)])
    version = None
    if not labels.held_because:
        with write("labels_table"):
            table = labels_table(labels.good, declaration, types, batch, arrived_at)
            version = workspace.tables.append(case.name, "labels", table, batch)
    if parsed is not None and labels.set_aside:
        _, aside = split(parsed.frame, raw_rows(parsed, list(labels.set_aside)), labels.set_aside)
        with write("labels_aside_table"):
            workspace.tables.append(case.name, "quarantine", quarantine_table(aside, batch, arrived_at), batch)
    entry = LabelBatchEntry(
        batch=batch,
        landing=landing,
        file=arrival.window.name,
        rows=0 if labels.held_because else len(labels.good),
        refused=len(labels.set_aside),
        arrived_at=write_instant(arrived_at),
        table_version=version,
        status="held" if labels.held_because else "accepted",
        quarantine=labels.reasons,
        held_because=labels.held_because,
        declaration_digest=declaration.digest,
    )
    workspace.ledger.append(case.name, entry)
    log.info("labels %s %s: %d rows, %d set aside, %s", case.name, entry.file, entry.rows, entry.refused, entry.status)
    return batch


def _parsed(declaration: Declaration, arrival: Arrival, types: dict[str, ColumnType]) -> Parsed:
    return typed(declaration, arrival.data, arrival.suffix, types, label_options(declaration))
