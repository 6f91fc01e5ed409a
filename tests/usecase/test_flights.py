"""The demo's declaration is an example to copy: right, short, and its functions look at one row only."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from perennial.sources import open_source
from perennial.sources.parsing import Parsed, parse
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from perennial.usecase.reading import load_use_case

USECASES = Path(__file__).parents[2] / "usecases"


@pytest.fixture(scope="module")
def flights() -> UseCase:
    return load_use_case("flights", USECASES)


@pytest.fixture(scope="module")
def functions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("flights_functions", USECASES / "flights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def february(flights: UseCase) -> Parsed:
    schema = flights.declaration.schema_
    source = open_source(
        flights.declaration.source, folder=flights.folder, schema_time=schema.time, timezone=schema.timezone
    )
    window = next(window for window in source.windows() if window.name == "2013-02")
    types = column_types(flights.declaration)
    return parse(source.fetch(window).data, ".csv", types, schema.timezone)


def test_the_demo_is_short(flights: UseCase) -> None:
    loop, _, _ = flights.path.read_text(encoding="utf-8").partition("\ngovernance:")
    assert len(loop.splitlines()) <= 40


def test_the_declaration_fits_the_data(february: Parsed) -> None:
    assert february.missing == ()
    assert february.extra == ()
    assert february.unreadable == {}
    assert set(february.frame["late"].dropna()) == {0.0, 1.0}


def test_what_is_known_only_after_the_flight_is_no_feature(flights: UseCase) -> None:
    features = flights.declaration.features
    known_after = {"dep_time", "dep_delay", "arr_time", "air_time", "arr_delay"}
    assert set(features.never) == known_after
    assert not known_after & {*features.numeric, *features.categorical}


def test_the_checks_on_tail_numbers_set_aside_the_one_that_is_wrong(february: Parsed) -> None:
    tails = february.frame["tailnum"]
    wrong = tails[tails.notna() & ~tails.str.match("^N", na=False)]
    assert list(wrong) == ["D942DN"]


def test_the_functions_speak_of_the_scheduled_local_time(functions: ModuleType, february: Parsed) -> None:
    rows = february.frame.head(50)
    hours, days = functions.hour_of_day(rows), functions.day_of_week(rows)
    assert (hours.astype(int) == rows["hour"]).all()
    scheduled = pd.to_datetime({name: rows[name].astype(int) for name in ("year", "month", "day")})
    assert (days == scheduled.dt.day_of_week).all()


def test_a_rows_features_do_not_depend_on_the_other_rows(functions: ModuleType, february: Parsed) -> None:
    rows = february.frame.sample(200, random_state=0)
    for function in (functions.hour_of_day, functions.day_of_week):
        alone = pd.concat([function(rows.iloc[[i]]) for i in range(0, 200, 20)])
        pd.testing.assert_series_equal(function(rows).iloc[::20], alone)


def test_the_functions_see_none_of_the_columns_that_are_hidden_from_them(
    functions: ModuleType, february: Parsed, flights: UseCase
) -> None:
    seen = february.frame.drop(columns=[*flights.declaration.features.never, "late"])
    assert functions.hour_of_day(seen).notna().all()
    assert functions.day_of_week(seen).notna().all()
