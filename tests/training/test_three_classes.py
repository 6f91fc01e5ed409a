"""A target of three classes from its files to the second release, with a class that the first model never saw."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from perennial.clock import instant
from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import asked_of_models, decide_at, take_in, train_at
from tests.world import World

pytestmark = pytest.mark.timeout(240)
CLASSES = {"target": "fate", "task": "multiclass", "classes": ["kept", "returned", "exchanged"]}


def test_one_of_three_classes_is_checked_predicted_evaluated_released_and_watched(world: World) -> None:
    from tasks.deciding import note_in_registry, release
    from tasks.health import watch_champion

    world.rows_a_day = 12
    world.declare(schema={**world.declaration["schema"], **CLASSES}, evaluation={"also": ["accuracy"]})
    january, february, march = (
        brought(world, month, exchanges=month != "2024-01") for month in ("2024-01", "2024-02", "2024-03")
    )
    train_at(instant(take_in(january).arrived_at))

    batch = take_in(february)
    assert set_aside(batch) == ["fate: none of kept, returned, exchanged"] * 3
    first = decide_at(instant(batch.arrived_at), february)
    log_loss, accuracy = first.metrics
    # February's exchanges are a class that January had none of: each costs the model and the naive one 36 nats alike.
    assert first.outcome == "first" and log_loss.verdict == "better" and accuracy.name == "accuracy"
    assert log_loss.challenger is not None and log_loss.champion is not None
    assert log_loss.champion > log_loss.challenger > 3
    assert release.fn("shop", first.id) == 1
    note_in_registry.fn("shop", first.id)
    train_at(instant(batch.arrived_at))

    batch = take_in(march)
    health = watch_champion.fn("shop", batch)
    assert health.loss is not None and health.loss.value > 3
    second = decide_at(instant(batch.arrived_at), march)
    assert second.outcome == "release" and "better than the champion" in second.reasons[0]
    log_loss, accuracy = second.metrics
    assert log_loss.champion == pytest.approx(health.loss.value, abs=1.0)
    assert log_loss.challenger is not None and log_loss.challenger < 1.2
    assert release.fn("shop", second.id) == 2


def test_a_watch_takes_the_chances_that_are_stored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.deciding import release
    from tasks.health import watch_champion
    from tasks.scoring import score_arrived

    world.rows_a_day = 12
    world.declare(schema={**world.declaration["schema"], **CLASSES}, evaluation={})
    months = [brought(world, month, exchanges=True) for month in ("2024-01", "2024-02", "2024-03")]
    train_at(instant(take_in(months[0]).arrived_at))
    release.fn("shop", decide_at(instant(take_in(months[1]).arrived_at), months[1]).id)
    batch = take_in(months[2])
    health = watch_champion.fn("shop", batch)
    assert health.labelled_rows > world.rows_a_day
    score_arrived.fn("shop", batch)
    asked = asked_of_models(monkeypatch)
    for rows_in_memory in ("1000000", "1"):
        monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", rows_in_memory)
        assert watch_champion.fn("shop", batch) == health
    assert set(asked) == {world.rows_a_day}, "labels of February's last day came in March: nobody scored these rows"


def brought(world: World, month: str, *, exchanges: bool) -> str:
    """A month's file, with what became of each order instead of whether it came back; three of February's are lost."""
    rows = world.month(month)
    heavy = (rows["weight"] > 2.4) & (np.random.default_rng(0).random(len(rows)) < 0.6)
    fate = np.where(rows["returned"] == 1, "returned", "kept")
    rows = rows.drop(columns=["returned"]).assign(fate=np.where(heavy & exchanges, "exchanged", fate))
    if month == "2024-02":
        rows.loc[rows.index[:3], "fate"] = "lost"
    rows.to_csv(world.usecases / "shop" / f"{month}.csv", index=False)
    return month


def set_aside(batch: BatchEntry) -> list[str]:
    """The reasons of the batch's rows that were set aside."""
    table = open_workspace(settings()).tables.read("shop", "quarantine", [batch.batch])
    frame = pd.DataFrame() if table is None else table.to_pandas()
    return ["; ".join(json.loads(reasons)) for reasons in frame["__perennial_reasons"]]
