"""A target of several classes goes the same way, also where a class turns up that the model never saw."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial, write
from tests.world import World

pytestmark = pytest.mark.timeout(240)


def test_one_of_three_classes_is_predicted_judged_and_released(world: World, perennial: Perennial) -> None:
    world.rows_a_day = 20
    schema = {
        **world.declaration["schema"],
        "target": "fate",
        "task": "multiclass",
        "classes": ["kept", "returned", "exchanged"],
    }
    world.declare(schema=schema, evaluation={"also": ["accuracy"]})
    for month in ("2024-01", "2024-02", "2024-03"):
        rows = fates(world.month(month), exchanges=month != "2024-01")
        if month == "2024-02":
            rows.loc[rows.index[:3], "fate"] = "lost"
        write(world, month, rows)
        told = perennial("run", "shop")
        assert told.code == 0, told.err
    assert [reason for _, reason in set_aside()] == ["fate: none of kept, returned, exchanged"] * 3
    first, second = sorted(json.loads(perennial("decisions", "shop", "--json").out), key=lambda told: told["as_of"])
    assert first["outcome"] == "first"
    assert [metric["name"] for metric in first["metrics"]] == ["log_loss", "accuracy"]
    # February's exchanges are a class that January had none of: each costs both sides 36 nats, so it decides nothing.
    exchanged = 36 * 0.1
    assert first["metrics"][0]["verdict"] == "better" and first["metrics"][0]["challenger"] > exchanged / 2
    # Who has seen some is far ahead, and says so on March.
    assert second["outcome"] == "release"
    log_loss, accuracy = second["metrics"]
    assert log_loss["champion"] > exchanged / 2 > 1.0 > log_loss["challenger"]
    assert accuracy["challenger"] > accuracy["champion"]
    status = perennial("status", "shop")
    assert status.code == 0 and "version 2" in status.out


def set_aside() -> list[tuple[int, str]]:
    """Row number and reasons of all that was set aside."""
    table = open_workspace().tables.read("shop", "quarantine")
    assert table is not None
    frame = table.to_pandas()
    return [(row, "; ".join(json.loads(why))) for row, why in zip(frame["_row"], frame["_reasons"], strict=True)]


def fates(rows: pd.DataFrame, *, exchanges: bool) -> pd.DataFrame:
    """The orders with what became of them instead of whether they came back."""
    draw = np.random.default_rng(len(rows))
    heavy = (rows["weight"] > 2.4) & (draw.random(len(rows)) < 0.6)
    fate = np.where(rows["returned"] == 1, "returned", "kept")
    return rows.drop(columns=["returned"]).assign(fate=np.where(heavy & exchanges, "exchanged", fate))
