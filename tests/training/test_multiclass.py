"""Several classes: probabilities in the order of the declaration, whatever the estimator and the classes at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss

from perennial.errors import InputError
from perennial.evaluation.comparison import ComparisonFailed, compare
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.paired import paired
from perennial.model.artifact import digest_model, load
from perennial.our_columns import LABEL
from perennial.store.rows import labels_of
from perennial.training.fit import Fit, fit
from perennial.usecase.declared_schema import Schema
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from tests.training.conftest import Saved, accepted
from tests.world import World

CLASSES = ("cheap", "fair", "dear")


def declared(world: World, classes: tuple[Any, ...] = CLASSES, **model: Any) -> World:
    schema = {**world.declaration["schema"], "task": "multiclass", "classes": list(classes)}
    return world.declare(schema=schema, evaluation={}, **({"model": model} if model else {}))


def priced(month: pd.DataFrame, names: tuple[Any, ...] = CLASSES) -> pd.DataFrame:
    rows = accepted(month)
    return rows.assign(**{LABEL: [names[place] for place in np.digitize(rows["price"], [50, 100])]})


def fitted(world: World, rows: pd.DataFrame) -> Fit:
    return fit(load_use_case("shop", world.usecases), rows)


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 10}),
        ("lightgbm.LGBMClassifier", {"n_estimators": 10}),
        ("xgboost.XGBClassifier", {"n_estimators": 10}),
    ],
)
@pytest.mark.parametrize("seen", [CLASSES, ("cheap", "dear")])
def test_probabilities_stand_in_the_declared_order_after_loading_too(
    world: World, month: pd.DataFrame, saved: Saved, estimator: str, params: dict[str, Any], seen: tuple[str, ...]
) -> None:
    rows = priced(month)
    rows = rows[rows[LABEL].isin(seen)]
    made = fitted(declared(world, estimator=estimator, params={**params, "class_weight": "balanced"}), rows)
    folder = saved(made)
    model = load(folder, digest_model(folder))
    p = model.over(model.predict(rows), CLASSES)
    np.testing.assert_array_equal(p, made.fitted.over(made.fitted.predict(rows), CLASSES))
    assert model.classes == seen and p.shape == (len(rows), 3)
    assert (np.array(CLASSES)[p.argmax(axis=1)] == rows[LABEL]).mean() > 0.95
    assert (p[:, 1] == 0).all() == ("fair" not in seen)
    naive = model.over(model.naive_predictions(1), CLASSES)[0]
    assert naive == pytest.approx([(rows[LABEL] == name).mean() for name in CLASSES])


def test_a_champion_from_before_a_class_was_added_is_evaluated_over_the_new_ones(
    world: World, month: pd.DataFrame
) -> None:
    champion = fitted(declared(world), priced(month)).fitted
    rows = priced(month)
    p = champion.predict(rows)
    np.testing.assert_array_equal(
        champion.over(p, ("new", "dear", "cheap")), np.stack([0 * p[:, 0], p[:, 2], p[:, 0]], 1)
    )


def test_whole_numbers_are_classes_too(world: World, month: pd.DataFrame) -> None:
    rows = priced(month, (3, 1, 2)).astype({LABEL: "float64"})  # as the table gives them
    model = fitted(declared(world, (3, 1, 2)), rows).fitted
    assert model.classes == (3, 1, 2)
    assert labels_of(rows, load_use_case("shop", world.usecases).declaration.schema_)[:3].max() <= 2


def test_a_label_that_is_no_longer_a_class_is_reported(world: World, month: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"schema\.classes: .* have a label that is not a class, for example 'dear'"):
        fitted(declared(world, ("cheap", "fair")), priced(month))


def test_values_are_those_of_scikit_learn_and_influences_sum_to_nothing() -> None:
    draw = np.random.default_rng(0)
    y, p = draw.integers(0, 4, 300).astype(float), draw.dirichlet(np.ones(4), 300)
    for name, value in (("log_loss", log_loss(y, p)), ("accuracy", accuracy_score(y, p.argmax(axis=1)))):
        found, influence = load_metric(name).value_and_influence(y, p)
        assert found == pytest.approx(value) and abs(influence.sum()) < 1e-9 and influence.shape == (300,)


def test_a_gain_over_several_classes_is_decided_by_day_and_a_foreign_label_is_refused() -> None:
    draw = np.random.default_rng(0)
    day, y = np.repeat(np.arange(20), 50), draw.integers(0, 3, 1000).astype(float)
    flat = np.full((1000, 3), 1 / 3)
    sharp = flat * 0.7 + 0.3 * np.eye(3)[y.astype(int)]
    asked = [Asked("log_loss", "primary"), Asked("accuracy", "info")]
    told, shares = compare(paired(y, flat, sharp, day), metrics=asked)
    assert told.verdict == "better" and told.gain == pytest.approx(np.log(1.6), abs=0.01)
    assert shares.challenger == 1.0
    with pytest.raises(ComparisonFailed, match=r"labels? is not of a declared class"):
        compare(paired(np.append(y[1:], 3.0), flat, sharp, day), metrics=asked)
    (rare,) = compare(paired(np.where(np.arange(1000) < 5, y, 0.0), flat, sharp, day), metrics=asked[:1])
    assert rare.verdict == "not_decidable" and "beside the commonest class" in rare.note


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["a"]}, "two classes or more"),
        ({"classes": ["a", "a"]}, "each once"),
        ({"classes": ["a", 1]}, "mix text and numbers"),
        ({"classes": [True, False]}, "a class is text or a whole number, is True"),
        ({"task": "binary", "classes": ["a", "b"]}, "classes are for multiclass"),
    ],
)
def test_classes_that_are_invalid_are_reported(world: World, changes: dict[str, Any], message: str) -> None:
    world.declare(schema={**world.declaration["schema"], "task": "multiclass", **changes}, evaluation={})
    with pytest.raises(DeclarationError, match=message):
        load_use_case("shop", world.usecases)


def test_a_binary_metric_is_refused_for_several_classes(world: World) -> None:
    with pytest.raises(DeclarationError, match="metric 'brier' is for binary, the task is multiclass"):
        load_use_case("shop", declared(world).declare(evaluation={"also": ["brier"]}).usecases)


def test_a_target_in_text_is_a_column_of_text() -> None:
    from perennial.usecase.columns import no_such_value, target_values

    schema = Schema(key=("id",), time="at", target="y", task="multiclass", classes=("a", "b"))
    assert target_values(schema) == ["a", "b"] and no_such_value(schema) == "none of a, b"
