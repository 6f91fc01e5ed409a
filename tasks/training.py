"""Training a challenger: why, on what, and the fit itself."""

from __future__ import annotations

import logging
from datetime import datetime

from perennial.errors import TerminalError
from perennial.release.state import current_release, waiting_challenger
from perennial.store.entries import ChallengerEntry, Snapshot, Trigger
from perennial.store.rows import known_at
from perennial.store.workspace import open_workspace
from perennial.training.challenger import challenger_id
from perennial.training.challenger import train as train_challenger
from perennial.training.snapshot import content_of, snapshot_of, training_rows
from perennial.watching.health import wants_retraining
from perennial.watching.reason_to_train import reason_to_train
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=5)
def why_train(usecase: str, asked: Trigger | None, new_batch: bool) -> Trigger | None:
    """The reason to train now, read from the state, or None."""
    workspace = open_workspace()
    ledger, triggers = workspace.ledger, workspace.use_case(usecase).declaration.triggers
    waiting = waiting_challenger(ledger, usecase)
    return reason_to_train(
        asked=asked,
        schedule_declared=triggers.schedule is not None,
        on_new_batch=triggers.on_new_batch,
        on_drift=triggers.on_drift,
        has_champion_or_waiting=current_release(ledger, usecase) is not None or waiting is not None,
        challenger_waits=waiting is not None,
        new_batch_accepted=new_batch,
        drift_wants=wants_retraining(ledger, usecase),
    )


@step(timeout_minutes=60)
def take_snapshot(usecase: str, as_of: datetime, trigger: Trigger) -> Snapshot | ChallengerEntry:
    """Name and commit the rows to train on; or the challenger that was trained on the very same already."""
    workspace = open_workspace()
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    known = known_at(ledger, usecase, as_of)
    trained = ledger.all(usecase, ChallengerEntry)
    newest = trained[-1].payload if trained else None
    earlier = ledger.get(usecase, Snapshot, newest.snapshot) if newest else None
    same_model = newest is not None and newest.model_digest == case.declaration.model_digest
    if newest and earlier and same_model and trigger.kind in ("event", "drift"):
        # Whoever asks again because of the same data gets the challenger that was made of it.
        seen = earlier.payload
        if (seen.batches, seen.label_batches) == (known.batch_ids, known.label_batch_ids):
            return newest
    snapshot = snapshot_of(workspace.tables, case.declaration, known, training_rows(workspace.tables, case.declaration, known))
    if newest and earlier and same_model and earlier.payload.digest == snapshot.digest:
        return newest
    return ledger.append(usecase, snapshot)[0].payload


@step(timeout_minutes=240)
def fit_challenger(usecase: str, snapshot: Snapshot, as_of: datetime, trigger: Trigger) -> ChallengerEntry:
    """Fit the declared model on a snapshot, register it, commit it: from now on it waits."""
    workspace = open_workspace()
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    with workspace.only_one(usecase, "train"):
        made = ledger.get(usecase, ChallengerEntry, challenger_id(snapshot, case.declaration))
        if made is not None:
            return made.payload
        rows = training_rows(workspace.tables, case.declaration, known_at(ledger, usecase, as_of))
        found = content_of(rows, list(case.declaration.schema_.key))
        if found != snapshot.digest:
            raise TerminalError(
                f"{usecase}: the rows of snapshot {snapshot.snapshot} have changed since it was taken "
                f"({snapshot.digest[:16]} became {found[:16]}). Nothing was trained; run the same command again."
            )
        entry = train_challenger(
            case, snapshot, rows, workspace.registry, workspace.settings.threads, trigger
        )
        row, _ = ledger.append(usecase, entry)
    log.info("challenger %s %s: version %d waits", usecase, row.key, row.payload.model.version)
    return row.payload
