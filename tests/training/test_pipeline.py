"""What the pipeline makes of categories and numbers as they come in real data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perennial.errors import InputError
from perennial.model.predicting import predict, ready
from perennial.training.estimator_fit import TrainingFailed
from perennial.training.pipeline import build_pipeline
from perennial.training.readiness import NotTrainableYet
from perennial.usecase.declared_model import Model
from tests.training.conftest import accepted, fitted_on
from tests.world import World

TREES = "sklearn.ensemble.HistGradientBoostingClassifier"


def test_a_category_never_seen_in_training_is_treated_as_a_missing_one(world: World, month: pd.DataFrame) -> None:
    month.loc[::10, "carrier"] = None
    model = fitted_on(world, month).fitted
    rows = accepted(month.head(40))
    new, missing = (model.predict(rows.assign(carrier=value)) for value in ("drone", None))
    known = model.predict(rows.assign(carrier="bike"))
    np.testing.assert_array_equal(new, missing)
    assert (new != known).any()


def test_more_categories_than_a_tree_can_hold_are_grouped_and_every_row_gets_a_prediction() -> None:
    draw = np.random.default_rng(0)
    shops = np.array([f"shop {i:03}" for i in range(300)])
    # The first ten are frequent and decide; the rest come a few times each.
    places = np.concatenate([draw.integers(0, 10, 2000), draw.integers(10, 300, 1500)])
    inputs = pd.DataFrame({"shop": pd.Series(shops[places], dtype="str"), "x": draw.normal(size=3500)})
    y = (places % 2 == 0).astype(int)
    pipeline = build_pipeline(Model(estimator=TREES, params={"max_iter": 15, "early_stopping": False}), inputs)
    pipeline.fit(ready(inputs), y)
    codes = pipeline.named_steps["columns"].transform(ready(inputs))[:, 0]
    assert codes.max() < 255
    p = predict(pipeline, inputs, "binary")
    assert np.isfinite(p).all()
    frequent = places < 10
    assert ((p[frequent] > 0.5) == (y[frequent] == 1)).mean() > 0.99


def test_a_number_that_is_nowhere_known_hinders_nothing(world: World, month: pd.DataFrame) -> None:
    month["weight"], month["carrier"] = np.nan, None
    p = fitted_on(world, month).fitted.predict(accepted(month))
    assert np.isfinite(p).all() and p.std() > 0


def test_truth_values_and_their_absence_are_categories() -> None:
    draw = np.random.default_rng(0)
    gift = draw.random(800) < 0.5
    inputs = pd.DataFrame({"gift": pd.array(gift, dtype="boolean"), "x": draw.normal(size=800)})
    inputs.loc[::50, "gift"] = pd.NA
    pipeline = build_pipeline(Model(estimator=TREES, params={"max_iter": 10}), inputs)
    pipeline.fit(ready(inputs), gift.astype(int))
    p = predict(pipeline, inputs, "binary")
    known = inputs["gift"].notna().to_numpy()
    assert ((p[known] > 0.5) == gift[known]).all()


def test_an_estimator_that_knows_no_categories_gets_codes(world: World, month: pd.DataFrame) -> None:
    world.declare(model={"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3}})
    p = fitted_on(world, month).fitted.predict(accepted(month))
    assert p.std() > 0


def test_the_same_rows_and_seed_give_the_same_model(world: World, month: pd.DataFrame) -> None:
    world.declare(model={"estimator": TREES, "params": {"max_iter": 10, "early_stopping": True}, "seed": 7})
    one, other = (fitted_on(world, month).fitted.predict(accepted(month)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    world.declare(model={"estimator": TREES, "params": {"max_iter": 10, "early_stopping": True}, "seed": 8})
    assert (fitted_on(world, month).fitted.predict(accepted(month)) != one).any()


def test_a_parameter_that_the_estimator_lacks_is_reported_with_its_field(world: World, month: pd.DataFrame) -> None:
    world.declare(model={"estimator": TREES, "params": {"max_iterations": 5}})
    with pytest.raises(InputError, match=r"model\.params: .*max_iterations"):
        fitted_on(world, month)


def test_the_estimators_error_is_reported_when_it_cannot_be_fitted(world: World, month: pd.DataFrame) -> None:
    world.declare(model={"estimator": TREES, "params": {"max_iter": -1}})
    with pytest.raises(TrainingFailed, match=r"shop: .*HistGradientBoostingClassifier could not be fitted.*max_iter"):
        fitted_on(world, month)


def test_labels_of_one_class_are_reported_with_their_number(world: World, month: pd.DataFrame) -> None:
    with pytest.raises(NotTrainableYet, match=r"all 310 labels are 1, and a binary model needs rows of both classes"):
        fitted_on(world, month.assign(returned=1))
