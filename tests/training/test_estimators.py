"""Estimators of other packages and custom ones: bounded, informed about categories, and loaded as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.errors import InputError
from perennial.model.artifact import digest_model, load
from perennial.model.predicting import predict, ready
from perennial.training.estimator_fit import TrainingFailed
from perennial.training.foreign_types import refuse_foreign_types
from perennial.training.pipeline import build_pipeline
from perennial.usecase.declared_model import Model
from perennial.usecase.mistakes import DeclarationError
from tests.training.conftest import Saved, accepted, fitted_on
from tests.world import World

TREES = "sklearn.ensemble.HistGradientBoostingClassifier"
LIGHT = "lightgbm.LGBMClassifier"
XGB = "xgboost.XGBClassifier"
MONOTONE = {TREES: "monotonic_cst", LIGHT: "monotone_constraints", XGB: "monotone_constraints"}
SMALL: dict[str, dict[str, Any]] = {TREES: {"max_iter": 20}, LIGHT: {"n_estimators": 20}, XGB: {"n_estimators": 20}}
OWN = """\
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

def make_model(C=1.0):
    columns = ColumnTransformer([
        ("numbers", StandardScaler(), ["price", "weight"]),
        ("names", OneHotEncoder(handle_unknown="ignore"), ["carrier"]),
    ])
    return make_pipeline(columns, LogisticRegression(C=C))
"""


@pytest.mark.parametrize("estimator", [LIGHT, XGB])
def test_a_model_of_another_package_predicts_after_loading_what_it_predicted_before(
    world: World, month: pd.DataFrame, saved: Saved, estimator: str
) -> None:
    world.declare(model={"estimator": estimator, "params": SMALL[estimator]})
    made = fitted_on(world, month)
    again = fitted_on(world, month)
    folder = saved(made)
    rows = accepted(month)
    before = made.fitted.predict(rows)
    np.testing.assert_array_equal(load(folder, digest_model(folder)).predict(rows), before)
    np.testing.assert_array_equal(again.fitted.predict(rows), before)
    assert made.fitted.pipeline.named_steps["estimator"].get_params()["n_jobs"] == 1


@pytest.mark.parametrize("estimator", [TREES, LIGHT, XGB])
def test_trees_that_know_categories_part_them_in_one_split(estimator: str) -> None:
    draw = np.random.default_rng(0)
    names = draw.integers(0, 8, 1200)
    inputs = pd.DataFrame({"shop": pd.Series([f"s{n}" for n in names], dtype="str"), "x": draw.normal(size=1200)})
    odd = (names % 2).astype(int)
    one_split: dict[str, Any] = {
        TREES: {"max_iter": 1, "max_leaf_nodes": 2, "learning_rate": 1.0},
        LIGHT: {"n_estimators": 1, "num_leaves": 2, "learning_rate": 1.0, "min_data_per_group": 1, "cat_smooth": 1},
        XGB: {"n_estimators": 1, "max_depth": 1, "learning_rate": 1.0, "max_cat_to_onehot": 1},
    }[estimator]
    native, codes = (
        build_pipeline(Model(estimator=estimator, params=one_split, categories=how), inputs)
        for how in ("native", "ordinal")
    )
    right = [
        ((predict(each.fit(ready(inputs), odd), inputs, "binary") > 0.5) == odd).mean() for each in (native, codes)
    ]
    assert right[0] == 1.0 > right[1]


@pytest.mark.parametrize("estimator", [TREES, LIGHT, XGB])
@pytest.mark.parametrize("categories", ["native", "onehot"])
def test_a_constraint_by_name_holds_whatever_becomes_of_the_categories(
    world: World, month: pd.DataFrame, estimator: str, categories: str
) -> None:
    params = {**SMALL[estimator], MONOTONE[estimator]: {"price": -1}}
    world.declare(model={"estimator": estimator, "params": params, "categories": categories})
    model = fitted_on(world, month).fitted  # in the data, a higher price means more returns
    row = accepted(month.head(1))
    prices = [float(model.predict(row.assign(price=price))[0]) for price in range(1, 480, 20)]
    assert prices == sorted(prices, reverse=True)


@pytest.mark.parametrize(
    ("constraint", "message"), [({"prise": 1}, "no feature 'prise'"), ({"carrier": 1}, "'carrier' holds categories")]
)
def test_a_constraint_that_means_nothing_is_reported(
    world: World, month: pd.DataFrame, constraint: dict[str, int], message: str
) -> None:
    world.declare(model={"estimator": TREES, "params": {"monotonic_cst": constraint}})
    with pytest.raises(InputError, match=message):
        fitted_on(world, month)


@pytest.mark.parametrize("estimator", [TREES, LIGHT, XGB])
def test_balanced_classes_raise_what_is_predicted_of_the_rarer_one(
    world: World, month: pd.DataFrame, estimator: str
) -> None:
    rare = month.assign(returned=((month["price"] > 150) & (month["carrier"] == "bike")).astype(int))
    means = []
    for more in ({}, {"class_weight": "balanced"}):
        world.declare(model={"estimator": estimator, "params": {**SMALL[estimator], "max_depth": 2, **more}})
        means.append(fitted_on(world, rare).fitted.predict(accepted(rare)).mean())
    assert means[1] > means[0]


@pytest.mark.parametrize(
    ("estimator", "wrong", "meant"),
    [(LIGHT, "num_leafs", "num_leaves"), (XGB, "max_dept", "max_depth")],
)
def test_a_misspelled_parameter_is_reported_though_the_package_accepts_any(
    world: World, month: pd.DataFrame, estimator: str, wrong: str, meant: str
) -> None:
    world.declare(model={"estimator": estimator, "params": {wrong: 5}})
    with pytest.raises(InputError, match=rf"model\.params: .* has no parameter {wrong}; did you mean '{meant}'"):
        fitted_on(world, month)


def test_native_categories_are_refused_where_the_estimator_knows_none(world: World, month: pd.DataFrame) -> None:
    world.declare(model={"estimator": "sklearn.tree.DecisionTreeClassifier", "categories": "native"})
    with pytest.raises(InputError, match=r"model\.categories: .*write onehot or ordinal"):
        fitted_on(world, month)


def test_a_missing_extra_is_reported_with_the_command_that_installs_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perennial.usecase import importable
    from perennial.usecase.reading import load_use_case

    world.declare(model={"estimator": LIGHT})
    monkeypatch.setattr(importable, "find_spec", lambda name: None)
    with pytest.raises(DeclarationError, match=r"pip install 'perennial\[lightgbm\]'"):
        load_use_case("shop", world.usecases)


def test_a_pipeline_of_the_team_gets_columns_by_name_and_needs_none_of_its_code_to_load(
    world: World, month: pd.DataFrame, saved: Saved
) -> None:
    file = world.usecases / "shop.py"
    file.write_text(OWN)
    made = fitted_on(world.declare(model={"estimator": "shop.py:make_model", "params": {"C": 0.5}}), month)
    refuse_foreign_types(made.fitted.pipeline)
    folder = saved(made)
    assert made.fitted.pipeline.named_steps["estimator"][-1].C == 0.5
    assert OWN in [path.read_text() for path in folder.rglob("shop.py")]
    file.unlink()
    rows = accepted(month)
    np.testing.assert_array_equal(load(folder, digest_model(folder)).predict(rows), made.fitted.predict(rows))


def test_a_pipeline_with_parts_that_could_not_be_loaded_is_refused_when_it_is_trained(
    world: World, month: pd.DataFrame
) -> None:
    (world.usecases / "shop.py").write_text(
        OWN.replace("    return", "    class Mine(LogisticRegression):\n        pass\n    return").replace(
            ", LogisticRegression(C", ", Mine(C"
        )
    )
    made = fitted_on(world.declare(model={"estimator": "shop.py:make_model"}), month)
    with pytest.raises(TrainingFailed, match=r"allow-list.*Mine"):
        refuse_foreign_types(made.fitted.pipeline)


@pytest.mark.parametrize(
    ("text", "message"),
    [("def make(C=1.0):\n    return 7\n", "must return an estimator, not int"), ("def make():\n    pass\n", "params")],
)
def test_a_function_that_makes_no_estimator_is_reported(
    world: World, month: pd.DataFrame, text: str, message: str
) -> None:
    (world.usecases / "shop.py").write_text(text)
    with pytest.raises(InputError, match=message):
        fitted_on(world.declare(model={"estimator": "shop.py:make", "params": {"C": 1.0}}), month)
