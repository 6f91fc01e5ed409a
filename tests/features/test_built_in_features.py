"""Built-in derived features: their values on any clock, and the version that a model keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import ModelUnloadable
from perennial.features.built_in import BuiltIns
from perennial.features.recipe import Recipe, recipe_of
from perennial.ledger.allowed_edits import columns_needed
from perennial.usecase.built_in import VERSIONS, built_in
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from tests.world import World

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
ALL = tuple(VERSIONS)
instants = st.none() | st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


def values(times: list[datetime | None], events: list[datetime | None], zone: str) -> pd.DataFrame:
    """Every built-in feature of `seen`, for events at `at`."""
    index = pd.RangeIndex(7, 7 + len(times))
    rows = pd.DataFrame({"seen": _column(times, index), "at": _column(events, index)})
    functions = BuiltIns(versions=VERSIONS, time="at", timezone=zone).functions(tuple(f"{name}:seen" for name in ALL))
    return pd.DataFrame({name: function(rows) for name, function in functions.items()})


def _naive(at: datetime | None) -> np.datetime64:
    return np.datetime64("NaT") if at is None else np.datetime64(at.replace(tzinfo=None), "us")


def _column(times: list[datetime | None], index: pd.Index) -> pd.Series:
    return pd.Series(np.array([_naive(at) for at in times], "datetime64[us]"), index=index).dt.tz_localize("UTC")


@given(pairs=st.lists(st.tuples(instants, instants), min_size=1, max_size=20), zone=st.sampled_from(ZONES))
def test_every_value_is_that_of_pythons_own_calendar(
    pairs: list[tuple[datetime | None, datetime | None]], zone: str
) -> None:
    computed = values([seen for seen, _ in pairs], [at for _, at in pairs], zone)
    for place, (seen, at) in enumerate(pairs):
        row = computed.iloc[place]
        if seen is None:
            assert row.isna().all()
            continue
        local = seen.astimezone(ZoneInfo(zone))
        assert (row["hour_of_seen"], row["weekday_of_seen"], row["month_of_seen"]) == (
            local.hour,
            local.isoweekday(),
            local.month,
        )
        days = np.nan if at is None else (at - seen) / timedelta(1)
        assert row["days_since_seen"] == pytest.approx(days, rel=1e-12, nan_ok=True)
    assert (computed.dtypes == "float64").all()


def test_the_hours_around_a_change_of_the_clocks() -> None:
    spring = [datetime(2024, 3, 31, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    autumn = [datetime(2024, 10, 27, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    computed = values([*spring, *autumn], [*spring, *autumn], "Europe/Berlin")
    assert computed["hour_of_seen"].tolist() == [1, 3, 2, 2]
    assert computed["days_since_seen"].tolist() == [0, 0, 0, 0]


def test_the_far_end_of_the_calendar_has_values_too() -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    computed = values([last], [datetime(1, 1, 1, tzinfo=UTC)], "America/New_York")
    assert computed["days_since_seen"].iloc[0] == pytest.approx(-3_652_059 + 1 / 1440)
    assert computed["hour_of_seen"].iloc[0] == 18


def shop(world: World, *derived: str, **schema: object) -> UseCase:
    features = {**world.declaration["features"], "derived": list(derived)}
    world.declare(schema={**world.declaration["schema"], **schema}, features=features)
    return load_use_case("shop", world.usecases)


def test_the_column_that_is_read_is_a_time_without_more_words(world: World) -> None:
    case = shop(world, "hour_of:at", "days_since:opened")
    assert column_types(case.declaration)["opened"] == "timestamp"
    assert columns_needed(case.declaration, {}).keys() == {"price", "weight", "carrier", "opened", "at"}


def test_a_model_keeps_the_version_the_time_and_the_zone(world: World) -> None:
    recipe = recipe_of(shop(world, "weekday_of:at", timezone="Europe/Berlin"))
    assert recipe.built_in == BuiltIns(versions={"weekday_of": 1}, time="at", timezone="Europe/Berlin")
    stored = Recipe.model_validate_json(recipe.model_dump_json())
    rows = pd.DataFrame(
        {
            "at": pd.to_datetime(["2024-03-31T22:30Z", None]),
            "price": 1.0,
            "weight": 1.0,
            "carrier": "post",
            "returned": 0.0,
        }
    )
    inputs = stored.inputs(rows)
    assert list(inputs.columns) == ["carrier", "price", "weight", "weekday_of_at"]
    np.testing.assert_array_equal(inputs["weekday_of_at"], [1, np.nan], "Monday in Berlin, Sunday in London")
    assert recipe.digest != recipe_of(shop(world, "weekday_of:at", timezone="UTC")).digest


def test_a_recipe_without_built_in_features_is_written_as_before(world: World) -> None:
    recipe = recipe_of(load_use_case("shop", world.declare().usecases))
    assert set(recipe.model_dump(mode="json")) == {"categorical", "numeric", "derived", "hidden", "sources"}
    assert load_use_case("shop", world.usecases).declaration.built_in == {}


def test_they_stand_among_custom_functions_in_the_declared_order(world: World) -> None:
    (world.usecases / "shop.py").parent.mkdir(exist_ok=True)
    (world.usecases / "shop.py").write_text("def double(rows):\n    return rows['price'] * 2\n")
    case = shop(world, "month_of:at", "shop.py:double", "hour_of:at")
    assert case.code.texts.keys() == {"shop.py"}
    rows = pd.DataFrame(
        {"at": pd.to_datetime(["2024-05-01T07:00Z"]), "price": [2.0], "weight": [1.0], "carrier": ["van"]}
    )
    inputs = recipe_of(case).inputs(rows)
    assert inputs.iloc[0, 3:].to_dict() == {"month_of_at": 5, "double": 4, "hour_of_at": 7}


def test_another_version_is_another_model_and_an_old_one_keeps_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = shop(world, "hour_of:at")
    monkeypatch.setitem(VERSIONS, "hour_of", 2)
    new = load_use_case("shop", world.usecases)
    assert old.declaration.digest != new.declaration.digest
    assert old.declaration.model_digest != new.declaration.model_digest
    assert recipe_of(old).built_in == BuiltIns(versions={"hour_of": 1}, time="at", timezone="UTC")
    with pytest.raises(ModelUnloadable, match=r"'hour_of' in version 2, which is not known here"):
        recipe_of(new).functions(("hour_of:at",))


@pytest.mark.parametrize(
    ("derived", "schema", "features", "message"),
    [
        ("hour_off:at", {}, {}, "did you mean 'hour_of:at'?"),
        ("hour_of", {}, {}, "did you mean 'hour_of:COLUMN'?"),
        ("hour_of:", {}, {}, "'hour_of:' names no column"),
        ("days_since:at", {}, {}, "is 0 in every row"),
        ("days_since:returned", {}, {}, "'returned', which is known only after the event"),
        ("days_since:refunded", {}, {"never": ["refunded"]}, "'refunded', which is known only after the event"),
        ("days_since:settled", {"label_known_at": "settled", "label_known_after": None}, {}, "known only after"),
        ("hour_of:price", {}, {}, "'price', which is features.numeric[0] (line"),
        ("hour_of:order", {}, {}, "write `order: timestamp` under schema.types"),
        ("hour_of:note", {"types": {"note": "text"}}, {}, "write `note: timestamp` under schema.types"),
        ("hour_of:at", {"types": {"hour_of_at": "text"}}, {}, "'hour_of_at' is a column too"),
    ],
)
def test_a_column_that_cannot_be_read_so_is_a_mistake(
    world: World, derived: str, schema: dict[str, object], features: dict[str, object], message: str
) -> None:
    stated = {**world.declaration["schema"], **schema}
    world.declare(
        schema={name: value for name, value in stated.items() if value is not None},
        features={**world.declaration["features"], **features, "derived": [derived]},
    )
    with pytest.raises(DeclarationError) as caught:
        load_use_case("shop", world.usecases)
    assert message in str(caught.value)
    assert [mistake.field for mistake in caught.value.mistakes] == ["features.derived[0]"]


def test_a_file_is_never_taken_for_a_built_in_feature() -> None:
    assert built_in("hour_of.py:at") is None
    assert built_in("days_since:first order: seen") == ("days_since", "first order: seen")
