"""A feature that vanishes, a column that is new, and a feature that is missing more often than usual."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from perennial.errors import InputError
from perennial.intake.missing import missing_warnings
from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.reading import load_use_case
from tests.cli.conftest import write
from tests.training.stores import take_in
from tests.world import DECLARATION, World

pytestmark = pytest.mark.usefixtures("home")
FEATURES = DECLARATION["features"]


def declared(world: World, missing_column: Any) -> None:
    world.declare(features={**FEATURES, "missing_column": missing_column})


def without(world: World, window: str, *columns: str) -> BatchEntry:
    """A month taken in without some columns."""
    write(world, window, world.month(window).drop(columns=list(columns)))
    return take_in(window)


def accepted(batch: BatchEntry) -> pd.DataFrame:
    table = open_workspace(settings()).tables.read("shop", "accepted", [batch.batch])
    assert table is not None
    rows: pd.DataFrame = table.to_pandas()
    return rows


def test_a_batch_without_a_feature_is_held_with_what_to_write(world: World) -> None:
    world.declare().month("2024-01")
    take_in("2024-01")
    held = without(world, "2024-02", "weight")
    assert held.status == "held"
    assert held.held_because == (
        "columns are missing: weight. To go on without, write `missing_column: {weight: go_on}` under features, then "
        "check the batch again",
    )


def test_what_the_message_asks_for_takes_the_batch_in(world: World) -> None:
    from tasks.requeue import validate_again, windows_to_requeue

    world.declare()
    without(world, "2024-02", "weight")
    declared(world, {"weight": "go_on"})
    assert windows_to_requeue.fn("shop", None) == ["2024-02"]
    again = validate_again.fn("shop", "2024-02")
    assert (again.status, again.rows.accepted, again.because) == ("accepted", again.rows.arrived, "requeued")
    assert again.warnings == (
        "weight: the column is not there, so it counts as missing in every row (features.missing_column: go_on)",
    )
    rows = accepted(again)
    assert rows["weight"].isna().all() and rows["price"].notna().all()


def test_a_time_that_a_built_in_feature_reads_may_be_absent_too(world: World) -> None:
    def declare(missing_column: Any) -> None:
        derived = ["days_since:opened", "hour_of:at"]
        world.declare(features={**FEATURES, "derived": derived, "missing_column": missing_column})

    declare("hold")
    write(world, "2024-01", world.month("2024-01"))
    held = take_in("2024-01")
    assert "`missing_column: {opened: go_on}`" in held.held_because[0]
    declare({"opened": "go_on"})
    write(world, "2024-02", world.month("2024-02"))
    batch = take_in("2024-02")
    assert batch.status == "accepted"
    rows = accepted(batch)
    assert rows["opened"].isna().all() and str(rows["opened"].dtype).startswith("datetime64")
    with pytest.raises(InputError, match="'at' is not a feature that a batch can lack"):
        declare({"at": "go_on"})
        load_use_case("shop", world.usecases)


def test_without_a_key_or_another_feature_a_batch_is_held_all_the_same(world: World) -> None:
    declared(world, {"weight": "go_on"})
    held = without(world, "2024-01", "order", "weight")
    assert held.held_because[0].startswith("columns are missing: order")
    assert "go on" not in held.held_because[0]
    held = without(world, "2024-02", "price")
    assert "columns are missing: price" in held.held_because[0]


def test_a_batch_without_any_feature_is_held(world: World) -> None:
    declared(world, "go_on")
    held = without(world, "2024-01", "price", "weight", "carrier")
    assert held.status == "held" and held.held_because[0].startswith("columns are missing: price, weight, carrier")
    assert without(world, "2024-02", "price", "carrier").status == "accepted"


def test_a_new_column_is_reported_once_and_a_renamed_one_beside_what_is_missing(world: World) -> None:
    declared(world, "go_on")
    first = world.month("2024-01").assign(note="x")
    write(world, "2024-01", first)
    assert take_in("2024-01").warnings == (), "nothing came before"
    write(world, "2024-02", world.month("2024-02").assign(note="x", colour="red"))
    assert take_in("2024-02").warnings == ("colour: a new column, which nothing uses until the declaration names it",)
    renamed = world.month("2024-03").rename(columns={"weight": "Weight"}).assign(colour="red")
    write(world, "2024-03", renamed)
    assert take_in("2024-03").warnings == (
        "weight: the column is not there, so it counts as missing in every row (features.missing_column: go_on); "
        "there is 'Weight'",
        "Weight: a new column, which nothing uses until the declaration names it",
    )


def test_a_feature_that_is_missing_more_often_than_usual_is_a_warning(world: World) -> None:
    world.declare()
    rows = world.month("2024-01")
    rows.loc[: len(rows) // 10, "weight"] = None
    write(world, "2024-01", rows)
    assert take_in("2024-01").warnings == (), "no batch before has it otherwise"
    rows = world.month("2024-02")
    rows.loc[: len(rows) // 8, "weight"] = None
    write(world, "2024-02", rows)
    assert take_in("2024-02").warnings == (), "about as often as before"
    rows = world.month("2024-03")
    rows.loc[: len(rows) // 2, ["weight", "price"]] = None
    write(world, "2024-03", rows)
    batch = take_in("2024-03")
    assert batch.status == "accepted"
    assert batch.warnings[0].startswith("price: missing in 50.1 % of the rows, usually in 0 %")
    assert batch.warnings[1].startswith("weight: missing in 50.1 % of the rows, usually in 11.")


def test_the_odds_of_a_missing_value_have_to_triple() -> None:
    assert missing_warnings({"gust": 0.8}, {"gust": 0.64}) == [], "an ordinary month of a column that is mostly empty"
    assert missing_warnings({"gust": 0.15}, {"gust": 0.05}) != []
    assert missing_warnings({"gust": 0.06}, {"gust": 0.0}) != []
    assert missing_warnings({"gust": 0.04}, {"gust": 0.01}) == [], "three points more are no warning"
    assert missing_warnings({"gust": 1.0}, {"gust": 0.9}) != [], "a column that is gone"


def test_a_renamed_column_is_asked_about(world: World) -> None:
    write(world, "2024-01", world.month("2024-01").rename(columns={"weight": "Weight_kg"}))
    held = take_in("2024-01")
    assert held.status == "held"
    assert "weight (was it renamed to 'Weight_kg'?)" in held.held_because[0]


def test_what_vanishes_is_declared_for_features_alone(world: World) -> None:
    declared(world, {"order": "go_on"})
    with pytest.raises(InputError, match="'order' is not a feature that a batch can lack") as caught:
        load_use_case("shop", world.usecases)
    assert "features.missing_column.order" in str(caught.value)
    declared(world, "goon")
    with pytest.raises(InputError, match="should be hold or go_on, is 'goon'"):
        load_use_case("shop", world.usecases)


def test_what_vanishes_decides_no_training(world: World) -> None:
    world.declare()
    before = load_use_case("shop", world.usecases).declaration
    declared(world, {"weight": "go_on"})
    after = load_use_case("shop", world.usecases).declaration
    assert before.digest != after.digest and before.model_digest == after.model_digest
    assert json.loads(after.model_dump_json())["features"]["missing_column"] == {"weight": "go_on"}
