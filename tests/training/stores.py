"""The steps of the flows as plain functions, for tests of what is stored rather than of who calls whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from perennial.clock import instant
from perennial.deciding.decision import Waits
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Decision, Trigger
from perennial.model.artifact import Fitted
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.tables import Tables
from perennial.store.workspace import open_workspace
from perennial.training.rows import training_rows
from perennial.training.snapshot import snapshot_of


def take_in(window: str) -> BatchEntry:
    """Ingest one of the shop's batches."""
    from tasks.batches import accept, land, validate
    from tasks.labels import take_labels

    landing = land.fn("shop", window)
    labels = take_labels.fn("shop")
    batch = accept.fn("shop", validate.fn("shop", window, landing))
    if labels is None:
        take_labels.fn("shop")
    return batch


def train_at(as_of: datetime) -> ChallengerEntry:
    """Train on everything known by then."""
    from tasks.training import train_challenger

    found = train_challenger.fn("shop", as_of, Trigger(kind="person"))
    assert isinstance(found, ChallengerEntry), found
    return found


def decide_at(as_of: datetime, window: str) -> Decision:
    """Compare the waiting challenger on what is known by then."""
    from tasks.deciding import compare

    found = compare.fn("shop", window, as_of, Trigger(kind="person"))
    assert isinstance(found, Decision), found
    return found


def snapshot_digest(as_of: datetime) -> tuple[str, str, int]:
    """Identity, digest and number of the rows that a training at that moment would see."""
    workspace = open_workspace(settings())
    declaration = workspace.use_case("shop").declaration
    known = known_at(workspace.ledger, "shop", as_of)
    snapshot = snapshot_of(workspace.tables, declaration, known, training_rows(workspace.tables, declaration, known))
    return snapshot.snapshot, snapshot.digest, snapshot.rows


def asked_of_models(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each call asks a model to predict, from now on."""
    asked: list[int] = []
    predict = Fitted.predict

    def noted(model: Fitted, rows: pd.DataFrame) -> Any:
        asked.append(len(rows))
        return predict(model, rows)

    monkeypatch.setattr(Fitted, "predict", noted)
    return asked


def on_disk(tables: Tables) -> Tables:
    """The same tables, of which not even two rows are read into memory as a whole."""
    assert tables.bounds is not None
    return replace(tables, bounds=replace(tables.bounds, rows=1))


def cycle(unfinished_first: bool = False, usecase: str = "shop") -> Cycle | BatchEntry | None:
    """One cycle of the next batch, as the flow runs it; the batch where it is held, None where none is there."""
    from tasks.artifacts import finish_cycle
    from tasks.batches import accept, land, pick_window, validate
    from tasks.deciding import blend, compare, is_evaluated_now, note_in_registry, release
    from tasks.health import watch_champion
    from tasks.labels import take_labels
    from tasks.scoring import score_arrived
    from tasks.staging import is_look_due, look_at_stage
    from tasks.training import train_challenger, why_train

    window = pick_window.fn(usecase, None, unfinished_first)
    landing = land.fn(usecase, window) if window else None
    take_labels.fn(usecase)
    if window is None or landing is None:
        return None
    batch = accept.fn(usecase, validate.fn(usecase, window, landing))
    if batch.status == "held":
        return batch
    as_of, asked = instant(batch.arrived_at), Trigger(kind="new_batch")
    score_arrived.fn(usecase, batch)
    health = watch_champion.fn(usecase, batch)
    if is_look_due(usecase, as_of):
        look_at_stage.fn(usecase, as_of)

    def decided() -> Decision | Waits:
        found = compare.fn(usecase, window, as_of, asked)
        if isinstance(found, Decision):
            release.fn(usecase, found.id)
            note_in_registry.fn(usecase, found.id)
        return found

    found = decided()
    reason = why_train.fn(usecase, None, True, as_of)
    challenger = train_challenger.fn(usecase, as_of, reason) if reason else None
    if is_evaluated_now(usecase, challenger):
        found = decided()
    blend.fn(usecase, as_of)
    return finish_cycle.fn(usecase, batch, health, found, challenger)
