"""Estimators that need scaled numbers, and numbers that are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perennial.training.unscaled import BY_GRADIENT, unscaled
from tests.cli.conftest import command
from tests.world import World

LARGE = {"distance": np.array([900.0, 2400.0, np.nan, np.inf]), "share": np.array([0.1, 0.9, 0.5, 0.2])}


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_an_estimator_by_gradient_is_named_with_the_largest_feature(name: str) -> None:
    note = unscaled(["sklearn.linear_model.Ridge", f"sklearn.any.{name}"], LARGE)
    assert note.startswith(f"{name} is fitted by gradient descent") and "distance is 1650 on average" in note


@pytest.mark.parametrize("estimator", ["sklearn.linear_model.LogisticRegression", "shop.py:SGDClassifier"])
def test_others_and_those_of_a_team_are_left_alone(estimator: str) -> None:
    assert unscaled([estimator], LARGE) == ""


def test_numbers_of_one_size_and_those_without_any_value_are_fine() -> None:
    sgd = ["sklearn.linear_model.SGDClassifier"]
    assert unscaled(sgd, {"share": LARGE["share"], "empty": np.array([np.nan])}) == unscaled(sgd, {}) == ""


def test_check_notes_it(world: World, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.declare(model={"estimator": "sklearn.linear_model.SGDClassifier", "params": {"loss": "log_loss"}})
    rows = world.month("2024-01")
    assert command("check", "shop") == 0
    assert "gradient descent" not in capsys.readouterr().out, "the shop's numbers are small"
    numeric = world.declaration["features"]["numeric"][0]
    rows[numeric] *= 1e6
    rows.to_csv(world.usecases / "shop" / "2024-01.csv", index=False)
    assert command("check", "shop") == 0
    shown = capsys.readouterr().out
    assert "note: SGDClassifier is fitted by gradient descent" in shown and f"{numeric} is" in shown
