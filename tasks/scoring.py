"""Scoring a batch by the live release."""

from __future__ import annotations

import logging

from perennial.clock import instant
from perennial.deciding.evaluation_rows import rows_of_batch
from perennial.fault_points import write
from perennial.ledger.entries import BatchEntry, BatchScored, Release
from perennial.ledger.entries.serving import scoring
from perennial.ledger.present import current_release, release_to_watch, time_of
from perennial.model.released import load_served
from perennial.scoring.batch import predictions_table, scored, scored_entry
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.columns import column_types
from tasks.as_of import scheduled_start
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=60)
def score_arrived(usecase: str, batch: BatchEntry) -> BatchScored | None:
    """Score a batch that has just been accepted, by the release that was live then; None if none was."""
    workspace = open_workspace(settings())
    release = release_to_watch(workspace.ledger, usecase, instant(batch.arrived_at))
    return _scored(workspace, batch, release, usecase) if release is not None else None


@step(timeout_minutes=60)
def score_batch(usecase: str, batch: BatchEntry) -> BatchScored | None:
    """Score an accepted batch by the release that is live now, once for each release; None if none is live."""
    workspace = open_workspace(settings())
    release = current_release(workspace.ledger, usecase)
    return _scored(workspace, batch, release, usecase) if release is not None else None


def _scored(workspace: Workspace, batch: BatchEntry, release: Release, usecase: str) -> BatchScored:
    """The batch's predictions, stored now or earlier."""
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    name = scoring(batch.batch, release.release_no)
    there = ledger.get(usecase, BatchScored, name)
    if there is not None:
        return there.payload
    schema, at = case.declaration.schema_, time_of(ledger, case.declaration, scheduled_start())
    known = known_at(ledger, usecase, instant(batch.arrived_at))
    rows = rows_of_batch(workspace.tables, case.declaration, known, batch)
    served = load_served(workspace.registry, usecase, release)
    predicted = scored(served, rows, schema)
    table = predictions_table(predicted, batch, release, at, column_types(case.declaration))
    with write("predictions_table"):
        version = workspace.tables.append(usecase, "predictions", table, name)
    row, _ = ledger.append(usecase, scored_entry(predicted, batch, release, at, version))
    log.info("batch %s %s scored by release %d", usecase, batch.window, release.release_no)
    return row.payload
