"""Trains a challenger: the reason, the rows, and the fit."""

from __future__ import annotations

import logging
from collections.abc import Container
from datetime import datetime

from perennial.clock import instant
from perennial.deciding.at_once import Training, nothing_since, planned_training
from perennial.deciding.groups import represented_in
from perennial.deciding.newest_rows import newest_rows
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import ChallengerEntry, Decision, Postponed, Trigger
from perennial.ledger.erased import unlearned_erasure
from perennial.ledger.present import current_release, open_question, waiting_challenger
from perennial.release.words import postponed_in_words
from perennial.settings import settings
from perennial.store.known import Known, known_at
from perennial.store.workspace import Workspace, open_workspace
from perennial.team_code.groups import evaluation_sources
from perennial.training.challenger import Newest, newest_challenger, train
from perennial.training.opened_rows import opened_rows
from perennial.training.race import Raced, finish, steps_due
from perennial.training.readiness import NotTrainableYet, NotYet
from perennial.training.snapshot import covers, snapshot_of
from perennial.usecase.declaration import UseCase
from perennial.watching.reason_to_train import reason_to_train
from perennial.watching.wanting import wants_retraining
from perennial.work_pools import pool_for
from tasks.deciding import blend
from tasks.step import step
from tasks.work_pools import trained_on

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
        erased=unlearned_erasure(ledger, usecase),
    )


@step(timeout_minutes=250)
def train_next(
    usecase: str, asked: Trigger | None, as_of: datetime, postponed: Postponed | None = None
) -> ChallengerEntry | NotYet | None:
    """After a new batch: train if there is a reason, then let a blending policy serve the newest refit.

    postponed: if a fleet's budget has no room for the refit, which then waits.
    """
    if postponed is not None:
        challenger: ChallengerEntry | NotYet | None = NotYet(postponed_in_words(postponed), postponed)
    else:
        reason = why_train.fn(usecase, asked, True, as_of)
        challenger = train_challenger.fn(usecase, as_of, reason) if reason else None
    blend.fn(usecase, as_of)
    return challenger


@step(timeout_minutes=240)
def train_challenger(usecase: str, as_of: datetime, trigger: Trigger) -> ChallengerEntry | NotYet:
    """Train here, or on a machine of the size that the declaration asks for if this site has work pools."""
    where = settings()
    compute = open_workspace(where).use_case(usecase).declaration.compute
    pool = pool_for(compute.train_elsewhere, where.pools, "compute.train")
    return fit_challenger.fn(usecase, as_of, trigger) if pool is None else trained_on(pool, usecase, as_of, trigger)


@step(timeout_minutes=240)
def fit_challenger(usecase: str, as_of: datetime, trigger: Trigger) -> ChallengerEntry | NotYet:
    """Race windows and estimators, take a snapshot, fit the winner on it, register it and commit it as the challenger.

    The snapshot leaves out the newest days if they are declared to evaluate the challenger and can. If a challenger was
    already trained on the same rows, it is returned instead of a second one. If there is too little data for a model,
    or the newest days have just evaluated another, that is the result and nothing is committed.
    """
    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    with workspace.only_one(usecase, "train"):
        known = known_at(ledger, usecase, as_of)
        newest = newest_challenger(ledger, case)
        asked_by_event = trigger.kind in ("event", "drift")
        if newest and asked_by_event and newest.snapshot.until is None and covers(newest.snapshot, known):
            return newest.entry
        record_declaration(ledger, case)
        days = newest_rows(workspace.tables, case.declaration, known)
        if newest and days is not None and nothing_since(newest, days.known_at) and not asked_by_event:
            return newest.entry
        history = [row.payload for row in ledger.all(usecase, Decision)]
        release = current_release(ledger, usecase)
        candidate = release.candidate if release else None
        plan = planned_training(case.declaration, known, days and days.rows, trigger, history, candidate)
        del days
        made = plan if isinstance(plan, NotYet) else _made(workspace, case, known, trigger, newest, plan)
    if isinstance(made, NotYet):
        log.info("no challenger of %s yet: %s", usecase, made.why)
    else:
        log.info("challenger %s %s: version %d waits", usecase, made.challenger, made.model.version)
    return made


def _made(
    workspace: Workspace, case: UseCase, known: Known, trigger: Trigger, newest: Newest | None, plan: Training
) -> ChallengerEntry | NotYet:
    """The challenger by that plan, committed; on everything where too little is left without the newest days."""
    ledger, declaration = workspace.ledger, case.declaration
    raced = race(workspace, case, known, plan.raced_on)
    try:
        with opened_rows(workspace.tables, declaration.racing_as(raced.rival), known, plan.until) as training:
            snapshot = snapshot_of(workspace.tables, declaration, known, training, plan.until)
            if newest and (newest.snapshot.digest, newest.entry.rival) == (snapshot.digest, raced.rival):
                return newest.entry
            groups = represented_in(training.rows, declaration, evaluation_sources(case))
            entry = train(
                case, snapshot, training.rows, workspace.registry, trigger, raced, plan.later_because, workspace.site
            )
    except NotTrainableYet as too_little:
        if plan.until is None:
            return NotYet(str(too_little))
        everything = Training(later_because=f"without the newest days {too_little}")
        return _made(workspace, case, known, trigger, newest, everything)
    ledger.append(case.name, snapshot)
    row, _ = ledger.append(case.name, entry.model_copy(update={"represented": groups}))
    return row.payload


def race(workspace: Workspace, case: UseCase, known: Known, on: Container[str] | None = None) -> Raced:
    """Commit each rival's result on the batches that are new to the race, and return the rival to train.

    on: the batches whose results choose it, None for all.
    """
    if len(case.declaration.model.racing) == 1:
        return Raced(next(iter(case.declaration.model.racing)), ())
    for step_ in steps_due(workspace.tables, workspace.ledger, case, known):
        workspace.ledger.append(case.name, step_)
    return finish(workspace.ledger, case, on)
