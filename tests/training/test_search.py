"""A search sees only what was known before each fold, is the same every time, and leaves every trial behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.evaluation.metrics import load_metric
from perennial.features.recipe import recipe_of
from perennial.model.released import load_model
from perennial.our_columns import KNOWN_AT, LABEL
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.training.estimator_fit import TrainingFailed
from perennial.training.readiness import NotTrainableYet
from perennial.training.search import Searched, folds_of, search
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from perennial.usecase.windows.decay import Decay
from tests.training.conftest import accepted
from tests.training.stores import take_in, train_at
from tests.world import World

TREES = "sklearn.ensemble.HistGradientBoostingClassifier"
SPACE = {
    "learning_rate": {"low": 0.01, "high": 0.3, "log": True},
    "max_leaf_nodes": {"low": 2, "high": 15},
    "class_weight": [None, "balanced"],
}


def declared(world: World, **search: Any) -> World:
    return world.declare(
        model={
            "estimator": TREES,
            "params": {"max_iter": 8, "early_stopping": False},
            "search": {"space": SPACE, "trials": 4, "folds": 2, **search},
        }
    )


def known(month: pd.DataFrame) -> pd.DataFrame:
    rows = accepted(month)
    return rows.assign(**{KNOWN_AT: rows["at"] + pd.Timedelta(days=1)})


def searched(world: World, rows: pd.DataFrame) -> Searched:
    case = load_use_case("shop", world.usecases)
    assert case.declaration.model.search is not None
    return search(
        case.declaration, case.declaration.model.search, recipe_of(case), rows, load_metric(case.declaration.primary)
    )


def test_no_fold_learns_from_its_days_nor_from_a_label_that_came_later(world: World, month: pd.DataFrame) -> None:
    case = load_use_case("shop", declared(world, folds=3).usecases)
    rows = known(month)
    late = rows.index[5]  # of the first day, corrected in the third week
    rows.loc[late, KNOWN_AT] = pd.Timestamp("2024-01-20", tz="UTC")
    folds = folds_of(case.declaration, recipe_of(case), rows, 3)
    assert [fold.cut for fold in folds] == ["2024-01-09", "2024-01-17", "2024-01-25"]
    for fold in folds:
        cut = pd.Timestamp(fold.cut, tz="UTC")
        learnt = rows.loc[fold.train.index]
        assert (learnt["at"] < cut).all() and (learnt[KNOWN_AT] <= cut).all()
        assert (rows.loc[fold.test.index, "at"] >= cut).all()
        assert (late in fold.train.index) == (fold.cut == "2024-01-25")
    assert sum(len(fold.test) for fold in folds) == (rows["at"] >= pd.Timestamp("2024-01-09", tz="UTC")).sum()


def test_folds_weigh_rows_by_age_as_the_final_fit_does(world: World, month: pd.DataFrame) -> None:
    def values(window: Any) -> list[tuple[float, ...]]:
        declared(world, space={"max_leaf_nodes": [2, 7]})
        world.declaration["model"]["window"] = window
        world.declare()
        return [trial.values for trial in searched(world, known(month)).trials]

    assert values({"decay": "3d"}) != values("expanding") == values({"last": "900d"})
    case = load_use_case("shop", world.usecases)
    decay = case.declaration.model_copy(
        update={"model": case.declaration.model.model_copy(update={"window": Decay(decay=timedelta(days=3))})}
    )
    for fold in folds_of(decay, recipe_of(case), known(month), 2):
        days = (pd.Timestamp(fold.cut, tz="UTC") - known(month).loc[fold.train.index, "at"]).dt.total_seconds() / 86400
        assert fold.train_age is not None
        assert fold.train_age / fold.train_age[-1] == pytest.approx(0.5 ** (days / 3) / 0.5 ** (days.iloc[-1] / 3))


def test_the_same_seed_gives_the_same_trials_and_the_best_one_wins(world: World, month: pd.DataFrame) -> None:
    one, other = (searched(declared(world), known(month)) for _ in range(2))
    assert one == other
    (winner,) = [trial for trial in one.trials if trial.state == "won"]
    assert winner.mean == min(trial.mean for trial in one.trials)
    assert one.params == winner.params and isinstance(winner.params["max_leaf_nodes"], int)
    assert one.summary == "4 of 4 trials ran, 0 failed"
    assert all(f"worse than trial {winner.number} by" in t.why for t in one.trials if t.state == "lost")


def test_a_search_that_ran_out_of_time_reports_how_many_trials_ran(
    world: World, month: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perennial.training import search as module

    minutes = iter(range(0, 6000, 31))
    monkeypatch.setattr(module, "monotonic", lambda: next(minutes))
    found = searched(declared(world, trials=9, timeout="1m"), known(month))
    assert found.summary == "2 of 9 trials ran, 0 failed; stopped after 1m"


def test_a_trial_that_cannot_be_fitted_is_kept_and_a_search_of_only_such_trials_is_reported(
    world: World, month: pd.DataFrame
) -> None:
    half = searched(declared(world, space={"max_leaf_nodes": [1, 7]}), known(month))
    failed = [trial for trial in half.trials if trial.state == "failed"]
    assert failed and half.params == {"max_leaf_nodes": 7}
    assert all("max_leaf_nodes" in trial.why for trial in failed)
    with pytest.raises(TrainingFailed, match=r"none of 4 trials could be fitted; the first: .*max_leaf_nodes"):
        searched(declared(world, space={"max_leaf_nodes": [1]}), known(month))


def test_a_search_over_more_folds_than_days_is_reported(world: World, month: pd.DataFrame) -> None:
    with pytest.raises(NotTrainableYet, match=r"3 folds of model\.search need rows of 4 days, and there are 2"):
        searched(declared(world, folds=3), known(month.head(20)))


def test_every_trial_is_a_child_run_that_shows_why_it_lost(world: World) -> None:
    from mlflow import MlflowClient

    world.rows_a_day = 10
    declared(world)
    world.declaration["model"] |= {"estimator": "lightgbm.LGBMClassifier", "params": {"n_estimators": 8}}
    world.declaration["model"]["search"]["space"] = space = {
        "learning_rate": {"low": 0.01, "high": 0.3},
        "num_leaves": {"low": 2, "high": 15},
    }
    month = world.declare().month("2024-01")
    take_in("2024-01")
    challenger = train_at(datetime(2024, 2, 1, tzinfo=UTC))
    client = MlflowClient(open_workspace(settings()).registry.tracking_uri)
    parent = client.get_run(challenger.model.run_id)
    assert load_model(open_workspace(settings()).registry, "shop", challenger.model).predict(accepted(month)).std() > 0
    children = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{challenger.model.run_id}'"
    )
    assert len(children) == 4 and {run.info.status for run in children} == {"FINISHED"}
    (winner,) = [run for run in children if run.data.tags["perennial.outcome"] == "won"]
    for run in children:
        folds = [run.data.metrics[f"log_loss_fold_{number}"] for number in (1, 2)]
        assert np.mean(folds) == pytest.approx(run.data.metrics["log_loss_mean"])
        assert run.data.tags["perennial.reason"].startswith(run.data.tags["perennial.outcome"] + ": ")
    assert parent.data.params["search"] == "4 of 4 trials ran, 0 failed"
    for name in space:
        assert parent.data.params[f"param.{name}"] == winner.data.params[name]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"learning_rate": {"low": 1, "high": 0.1}}, r"low \(1\) is not below high \(0.1\)"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, "log needs a low above 0"),
        ({"learning_rate": {"low": "a", "high": 1}}, "should be a number"),
        ({"learning_rate": {"low": 0.1, "hihg": 1}}, "did you mean 'high'"),
        ({}, "model.search.space"),
    ],
)
def test_an_invalid_space_is_reported_with_its_field(world: World, space: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        load_use_case("shop", declared(world, space=space).usecases)


def test_labels_of_other_rows_do_not_reach_a_fold(world: World, month: pd.DataFrame) -> None:
    """Turning the last block's labels round leaves the first fold's values as they were."""
    rows = known(month)
    turned = rows.copy()
    last = turned["at"] >= pd.Timestamp("2024-01-22", tz="UTC")
    turned.loc[last, LABEL] = 1 - turned.loc[last, LABEL]
    one, other = (searched(declared(world, trials=2), each) for each in (rows, turned))
    assert [trial.values[0] for trial in one.trials] == [trial.values[0] for trial in other.trials]
    assert [trial.values[1] for trial in one.trials] != [trial.values[1] for trial in other.trials]
