"""Windows and estimators race on batches that came after their training; the best so far is trained."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from perennial.clock import instant
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.race import best_so_far, standing
from perennial.ledger.entries import RaceStep, Snapshot
from perennial.our_columns import BATCH, LABEL
from perennial.settings import settings
from perennial.store.known import Known, known_at
from perennial.store.workspace import open_workspace
from perennial.training.fit import fit
from perennial.training.rows import age_weights, inside, training_rows
from perennial.usecase.declared_model import Model
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from perennial.usecase.windows.decay import Decay
from perennial.usecase.windows.season import Season
from tests.training.conftest import accepted
from tests.training.stores import take_in, train_at
from tests.world import World

MONTHS = {"2024-01": False, "2024-02": False, "2024-03": True, "2024-04": True}
WINDOWS = ["expanding", {"batches": 1}, {"batches": 12}]


def racing(world: World, **model: Any) -> World:
    world.rows_a_day = 12
    return world.declare(model=world.declaration["model"] | model)


def test_the_newest_loss_counts_most_and_only_whole_batches_count() -> None:
    steps = [{"a": 0.1, "b": 0.5}, {"a": 0.9}, {"a": 0.5, "b": 0.4}]
    assert standing(steps, half_life=1) == pytest.approx({"a": (0.05 + 0.5) / 1.5, "b": (0.25 + 0.4) / 1.5})
    assert best_so_far(steps, lower_is_better=True, half_life=1) == "a"
    assert best_so_far(steps, lower_is_better=False, half_life=1) == "b"
    assert best_so_far([{"a": 0.1}, {"b": 0.2}], lower_is_better=True) is None


def test_after_a_change_the_window_that_forgets_wins_and_mlflow_shows_why(world: World) -> None:
    racing(world, window=WINDOWS)
    made = []
    for month, flipped in MONTHS.items():
        world.month(month, flipped=flipped)
        batch = take_in(month)
        made.append(train_at(instant(batch.arrived_at)))
    assert [entry.rival for entry in made] == ["expanding", made[1].rival, "expanding", "batches 1"]
    workspace = open_workspace(settings())
    steps = [row.payload for row in workspace.ledger.all("shop", RaceStep)]
    assert [step.window for step in steps] == ["2024-02", "2024-03", "2024-04"]
    # April was predicted by models that had seen March: the one of March alone knew better.
    assert steps[2].values["batches 1"] < steps[2].values["expanding"]  # type: ignore[operator]
    assert all(step.values["expanding"] == step.values["batches 12"] for step in steps), "fitted once: the same rows"
    _the_step_is_what_a_model_trained_before_the_batch_loses(world, steps[2])

    snapshot = workspace.ledger.get("shop", Snapshot, made[-1].snapshot)
    assert snapshot is not None
    assert snapshot.payload.first >= "2024-04"
    client = MlflowClient(workspace.registry.tracking_uri)
    run = client.get_run(made[-1].model.run_id)
    children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    told = {child.info.run_name: child.data.tags["perennial.reason"] for child in children}
    assert told["race: batches 1"].startswith("won: the best one-step log_loss so far, 0.")
    assert "over 3 batches (half-life 12)" in told["race: batches 1"]
    assert told["race: expanding"].startswith("lost: one-step log_loss")


def _the_step_is_what_a_model_trained_before_the_batch_loses(world: World, step: RaceStep) -> None:
    workspace, case = open_workspace(settings()), load_use_case("shop", world.usecases)
    april = accepted(pd.read_csv(world.usecases / "shop" / "2024-04.csv")).sort_values("order")
    before = known_at(workspace.ledger, "shop", datetime(2024, 4, 1, tzinfo=UTC))
    alone = case.declaration.racing_as("batches 1")
    model = fit(case.racing_as("batches 1"), training_rows(workspace.tables, alone, before).rows).fitted
    labels = april.loc[april["at"] < "2024-04-30"]  # those of the last day are known tomorrow
    value, _ = load_metric("log_loss").value_and_influence(labels[LABEL].to_numpy(), model.predict(labels))
    assert step.values["batches 1"] == pytest.approx(value, rel=1e-12)
    assert step.rows == len(labels)


def test_estimators_race_with_each_other_and_with_windows() -> None:
    model = Model.model_validate(
        {
            "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
            "rivals": [{"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 2}}],
            "window": ["expanding", {"decay": "60d"}],
        }
    )
    assert list(model.racing) == [
        "expanding, HistGradientBoostingClassifier",
        "decay 60d, HistGradientBoostingClassifier",
        "expanding, LogisticRegression 2",
        "decay 60d, LogisticRegression 2",
    ]
    assert model.racing["decay 60d, LogisticRegression 2"].params == {"C": 2}


def test_a_model_alone_has_the_digest_it_always_had(world: World) -> None:
    said = load_use_case("shop", racing(world).usecases).declaration
    assert said.racing_as("").model_digest == said.model_digest


def test_an_old_row_counts_half_after_the_decay() -> None:
    at = pd.Series(pd.to_datetime(["2024-03-01", "2024-02-20", "2024-02-10"], utc=True))
    weights = age_weights(Decay.model_validate({"decay": "10d"}), at)
    assert weights is not None
    assert weights.tolist() == [1.0, 0.5, 0.25]
    assert age_weights("expanding", at) is None


def test_a_decay_and_a_season_are_fitted(world: World, month: pd.DataFrame) -> None:
    rows = accepted(month)
    fits = []
    for window in ("expanding", {"decay": "3d"}):
        racing(world, window=window)
        fits.append(fit(load_use_case("shop", world.usecases), rows).fitted.predict(rows))
    assert np.abs(fits[0] - fits[1]).max() > 0.01


def test_a_season_is_the_same_part_of_every_year() -> None:
    rows = pd.DataFrame({"at": pd.date_range("2022-06-01", "2024-01-31", freq="D", tz="UTC"), BATCH: "b"})
    known = Known(datetime(2024, 2, 1, tzinfo=UTC), (), ())
    found = inside(Season.model_validate({"season": "20d"}), rows, rows["at"], known)
    assert set(found["at"].dt.strftime("%Y-%m")) == {"2023-01", "2023-02", "2024-01"}
    assert (found["at"].min(), found["at"].max()) == (pd.Timestamp("2023-01-12", tz="UTC"), rows["at"].max())


def test_rivals_beside_a_search_are_refused(world: World) -> None:
    racing(
        world,
        rivals=[{"estimator": "sklearn.linear_model.LogisticRegressio"}],
        search={"space": {"max_leaf_nodes": [3, 7]}},
    )
    with pytest.raises(DeclarationError) as told:
        load_use_case("shop", world.usecases)
    assert "did you mean 'sklearn.linear_model.LogisticRegression'" in str(told.value)
    assert "conflicts with search" in str(told.value)
