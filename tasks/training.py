"""Trains a challenger: the reason, the rows, and the fit."""

from __future__ import annotations

import logging
from datetime import datetime

from perennial.clock import instant
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import ChallengerEntry, Trigger
from perennial.ledger.present import current_release, open_question, waiting_challenger
from perennial.settings import settings
from perennial.store.known import Known, known_at
from perennial.store.workspace import Workspace, open_workspace
from perennial.training.challenger import newest_challenger, train
from perennial.training.race import Raced, finish, steps_due
from perennial.training.readiness import NotTrainableYet, NotYet
from perennial.training.snapshot import covers, snapshot_of, training_rows
from perennial.usecase.declaration import UseCase
from perennial.watching.health import wants_retraining
from perennial.watching.reason_to_train import reason_to_train
from tasks.deciding import blend
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=5)
def why_train(usecase: str, asked: Trigger | None, new_batch: bool, as_of: datetime) -> Trigger | None:
    """The reason to train now, from the current state, or None.

    A challenger that is held for a person counts as waiting too, until a refresh would be due.
    """
    workspace = open_workspace(settings())
    ledger, declaration = workspace.ledger, workspace.use_case(usecase).declaration
    question, triggers = open_question(ledger, usecase), declaration.triggers
    asks = question is not None and as_of - instant(question.as_of) < declaration.release.refresh_after
    waits = waiting_challenger(ledger, usecase) is not None or asks
    return reason_to_train(
        asked=asked,
        schedule_declared=triggers.schedule is not None,
        on_new_batch=triggers.on_new_batch,
        on_drift=bool(triggers.on_drift),
        has_champion_or_waiting=current_release(ledger, usecase) is not None or waits,
        challenger_waits=waits,
        new_batch_accepted=new_batch,
        drift_wants=wants_retraining(ledger, usecase, triggers),
    )


@step(timeout_minutes=250)
def train_next(usecase: str, asked: Trigger | None, as_of: datetime) -> ChallengerEntry | NotYet | None:
    """After a new batch: train if there is a reason, then let a blending policy serve the newest refit."""
    reason = why_train.fn(usecase, asked, True, as_of)
    challenger = train_challenger.fn(usecase, as_of, reason) if reason else None
    blend.fn(usecase, as_of)
    return challenger


@step(timeout_minutes=240)
def train_challenger(usecase: str, as_of: datetime, trigger: Trigger) -> ChallengerEntry | NotYet:
    """Race windows and estimators, take a snapshot, fit the winner on it, register it and commit it as the challenger.

    If a challenger was already trained on the same rows, it is returned instead of a second one. If there is too little
    data for a model, that is the result and nothing is committed.
    """
    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    with workspace.only_one(usecase, "train"):
        known = known_at(ledger, usecase, as_of)
        newest = newest_challenger(ledger, case)
        if newest and trigger.kind in ("event", "drift") and covers(newest.snapshot, known):
            return newest.entry
        record_declaration(ledger, case)
        raced = race(workspace, case, known)
        try:
            rows = training_rows(workspace.tables, case.declaration.racing_as(raced.rival), known)
            snapshot = snapshot_of(workspace.tables, case.declaration, known, rows)
            if newest and (newest.snapshot.digest, newest.entry.rival) == (snapshot.digest, raced.rival):
                return newest.entry
            entry = train(case, snapshot, rows, workspace.registry, trigger, raced)
        except NotTrainableYet as too_little:
            log.info("no challenger of %s yet: %s", usecase, too_little)
            return NotYet(str(too_little))
        ledger.append(usecase, snapshot)
        row, _ = ledger.append(usecase, entry)
    log.info("challenger %s %s: version %d waits", usecase, row.key, row.payload.model.version)
    return row.payload


def race(workspace: Workspace, case: UseCase, known: Known) -> Raced:
    """Commit each rival's result on the batches that are new to the race, and return the rival to train."""
    if len(case.declaration.model.racing) == 1:
        return Raced(next(iter(case.declaration.model.racing)), ())
    for step_ in steps_due(workspace.tables, workspace.ledger, case, known):
        workspace.ledger.append(case.name, step_)
    return finish(workspace.ledger, case)
