"""Scoring a batch by the live release, and by its candidate."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from perennial.clock import instant
from perennial.deciding.evaluation_rows import rows_of_batch
from perennial.fault_points import write
from perennial.ledger.entries import BatchEntry, BatchScored, Release
from perennial.ledger.entries.serving import scoring
from perennial.ledger.present import current_release, release_to_watch, time_of
from perennial.model.released import load_candidate, load_served
from perennial.scoring.attempted import attempted
from perennial.scoring.batch import Predictions, predictions_table, scored, scored_entry
from perennial.scoring.elsewhere import Elsewhere
from perennial.scoring.made_by import MadeBy, candidate_model, live_models
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.stored_rows import StoredRows
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration
from tasks.as_of import scheduled_start
from tasks.step import step

if TYPE_CHECKING:
    import pandas as pd

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
    """The batch's predictions by the live models, stored now or earlier, and after them those by a candidate."""
    asked = _Asked(workspace, usecase, batch)
    registry, schema, live = workspace.registry, asked.declaration.schema_, live_models(release)
    elsewhere = elsewhere_of(workspace, usecase)
    stored = asked.stored(live)
    if stored is None:
        stored = asked.store(live, scored(load_served(registry, usecase, release), asked.rows, schema, elsewhere))
    beside, candidate = candidate_model(release), release.candidate
    if beside is not None and candidate is not None and asked.stored(beside) is None:
        load = partial(load_candidate, registry, usecase, candidate)
        asked.store(beside, *attempted(load, asked.rows, schema, elsewhere))
    return stored


def elsewhere_of(workspace: Workspace, usecase: str) -> Elsewhere | None:
    """The workers of the engine, if it has others than this process."""
    site = workspace.site
    return None if site is None else Elsewhere(site, usecase)


@dataclass(frozen=True)
class _Asked:
    """A batch to score."""

    workspace: Workspace
    usecase: str
    batch: BatchEntry

    @cached_property
    def declaration(self) -> Declaration:
        return self.workspace.use_case(self.usecase).declaration

    @cached_property
    def rows(self) -> pd.DataFrame | StoredRows:
        known = known_at(self.workspace.ledger, self.usecase, instant(self.batch.arrived_at))
        return rows_of_batch(self.workspace.tables, self.declaration, known, self.batch)

    def stored(self, made_by: MadeBy) -> BatchScored | None:
        """What an earlier call has stored."""
        row = self.workspace.ledger.get(self.usecase, BatchScored, self._name(made_by))
        return row.payload if row is not None else None

    def store(self, made_by: MadeBy, predicted: Predictions, failed: str | None = None) -> BatchScored:
        """Data first, then the ledger. failed: why there is no data."""
        ledger, tables = self.workspace.ledger, self.workspace.tables
        at = time_of(ledger, self.declaration, scheduled_start())
        if failed is None:
            table = predictions_table(predicted, self.batch, made_by, at, column_types(self.declaration))
            with write("predictions_table"):
                version = tables.append(self.usecase, "predictions", table, self._name(made_by))
        else:
            version = tables.version(self.usecase, "predictions") or 0
        row, _ = ledger.append(self.usecase, scored_entry(predicted, self.batch, made_by, at, version, failed))
        by = f"{made_by}, which failed: {failed}" if failed else str(made_by)
        log.info("batch %s %s scored by %s", self.usecase, self.batch.window, by)
        return row.payload

    def _name(self, made_by: MadeBy) -> str:
        return scoring(self.batch.batch, made_by.release_no, made_by.of)
