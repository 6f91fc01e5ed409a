"""A number as the target goes the same way: mean absolute error, against the median of the training labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.cli.conftest import Perennial, write
from tests.world import World

pytestmark = pytest.mark.timeout(240)


def test_a_number_is_predicted_evaluated_and_released(world: World, perennial: Perennial) -> None:
    world.rows_a_day = 12
    schema = {**world.declaration["schema"], "target": "minutes", "task": "regression"}
    model = {
        "estimator": "sklearn.ensemble.HistGradientBoostingRegressor",
        "params": {"max_iter": 15, "loss": "absolute_error"},
    }
    world.declare(schema=schema, model=model, evaluation={"also": ["rmse"]})
    january_median = 0.0
    for month in ("2024-01", "2024-02"):
        rows = world.month(month)
        noise = np.random.default_rng(0).normal(0, 5, len(rows))
        rows = rows.assign(minutes=(rows["price"] / 4 + 20 * (rows["carrier"] == "bike") + noise).round(1))
        write(world, month, rows.drop(columns=["returned"]))
        if month == "2024-01":
            january_median = float(rows.loc[rows["at"] < "2024-01-31", "minutes"].median())
        shown = perennial("run", "shop")
        assert shown.code == 0, shown.err
    (decision,) = json.loads(perennial("decisions", "shop", "--json").out)
    assert decision["outcome"] == "first"
    primary, rmse = decision["metrics"]
    assert (primary["name"], primary["verdict"], rmse["name"]) == ("mae", "better", "rmse")
    judging = rows[rows["at"] < "2024-02-29"]
    late = 12  # the last day's orders of January, whose labels became known in February
    assert decision["evaluation"]["rows"] == len(judging) + late
    naive = (judging["minutes"] - january_median).abs().mean()
    assert primary["champion"] == pytest.approx(naive, rel=0.05), "January's median stands in for a champion"
    assert 0 < primary["challenger"] < naive / 2
