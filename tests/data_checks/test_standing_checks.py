"""Checks that stand without a word in the declaration."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from data_checks.running import InMemory
from data_checks.validation import Validation, validate
from perennial.sources.window import Window
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_source import LabelSource
from tests.data_checks.flight_batches import END, START, WINDOW, Row, batch, check, declare, row, rows


def told(found: Validation) -> dict[str, int]:
    return {reason.reason: reason.rows for reason in found.reasons}


def test_a_clean_batch_is_accepted_whole() -> None:
    found = check(rows(20))
    assert (found.held_because, found.set_aside, found.warnings, found.infos) == ((), {}, (), ())
    assert all(result["success"] for result in found.results)


def test_a_text_in_a_number_column_is_reported_as_not_a_number_and_not_as_missing() -> None:
    must_be_there = {"expect_column_values_to_not_be_null": {"column": "temp"}}
    found = check(rows(9, temp={3: "abc", 5: ""}), must_be_there)
    assert found.set_aside == {3: ("temp: not a number",), 5: ("temp: not null",)}


def test_a_check_that_only_unreadable_values_break_has_nothing_to_add() -> None:
    must_be_there = {"expect_column_values_to_not_be_null": {"column": "temp"}, "severity": "warning"}
    found = check(rows(9, temp={3: "abc"}), must_be_there)
    assert found.set_aside == {3: ("temp: not a number",)}
    assert found.warnings == ()


def test_unreadable_values_are_looked_for_once_in_each_column(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Counted(InMemory):
        def unreadable(self, column: str) -> set[int]:
            asked.append(column)
            return super().unreadable(column)

    monkeypatch.setattr("data_checks.validation.InMemory", Counted)
    must_be_there = {"expect_column_values_to_not_be_null": {"column": "temp"}}
    most = {"expect_column_values_to_not_be_null": {"column": "temp", "mostly": 0.9}, "severity": "warning"}
    found = check(rows(9, temp={3: "abc", 5: ""}), must_be_there, most)
    assert found.set_aside == {3: ("temp: not a number",), 5: ("temp: not null",)} and len(found.warnings) == 1
    assert asked.count("temp") == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"flight_id": ""}, "flight_id: missing"),
        ({"time_hour": ""}, "time_hour: missing"),
        ({"time_hour": "yesterday"}, "time_hour: not a time"),
        ({"time_hour": "2012-12-31T23:59:59Z"}, "time_hour: outside the batch's window"),
        ({"late": "2"}, "late: neither 0 nor 1"),
        ({"late": "perhaps"}, "late: neither 0 nor 1"),
    ],
)
def test_a_row_with_one_fault_is_set_aside_for_it(fault: Row, reason: str) -> None:
    found = check([*rows(4), row(4, **fault)])
    assert found.held_because == ()
    assert found.set_aside == {4: (reason,)}


def test_a_row_without_a_label_is_accepted() -> None:
    assert check(rows(5, late={2: ""})).set_aside == {}


def test_all_copies_of_a_key_are_set_aside() -> None:
    found = check(rows(6, flight_id={1: "twin", 4: "twin"}))
    assert found.set_aside == dict.fromkeys((1, 4), ("flight_id: not unique in the batch",))


def test_a_key_of_two_columns_is_unique_as_a_whole_and_missing_by_column() -> None:
    declaration = declare(key=["flight_id", "carrier"])
    found = check(
        rows(7, flight_id={0: "a", 1: "a", 2: "a", 3: "", 4: ""}, carrier={1: "AA"}),
        declaration=declaration,
    )
    twins = ("flight_id + carrier: not unique in the batch",)
    missing = ("flight_id: missing",)
    assert found.set_aside == {0: twins, 2: twins, 3: missing, 4: missing}


def test_a_key_accepted_before_names_its_batch() -> None:
    before = pd.Series([None, "2012-12", None, "2012-11"], dtype="str")
    found = check(rows(4), accepted_in=before)
    assert found.set_aside == {
        1: ("flight_id: accepted before in batch 2012-12",),
        3: ("flight_id: accepted before in batch 2012-11",),
    }


def test_a_row_from_the_future_is_set_aside_and_the_last_moment_before_is_not() -> None:
    as_of = datetime(2013, 1, 20, tzinfo=UTC)
    times = {0: "2013-01-20T00:00:00Z", 1: "2013-01-19T23:59:59.999999Z", 2: "2013-01-20T00:00:00.000001Z"}
    faulty = [row(0, flight_id=f"x{n}", time_hour=time) for n, time in times.items()]
    found = check(faulty, as_of=as_of)
    future = ("time_hour: in the future (should be before 2013-01-20T00:00:00Z)",)
    assert found.set_aside == {0: future, 2: future}


def test_the_window_is_half_open() -> None:
    times = ("2013-01-01T00:00:00Z", "2013-01-31T23:59:59Z", "2013-02-01T00:00:00Z")
    faulty = [row(n, time_hour=time) for n, time in enumerate(times)]
    found = check(faulty, as_of=datetime(2014, 1, 1, tzinfo=UTC))
    assert found.set_aside == {2: ("time_hour: outside the batch's window",)}


@pytest.mark.parametrize("window", [None, Window(None, None, "flights.csv")])
def test_a_file_has_no_window_to_be_outside_of(window: Window | None) -> None:
    assert check(rows(3, time_hour={1: "1999-01-01"}), window=window).set_aside == {}


def test_missing_columns_are_named_together_and_reported_once() -> None:
    mean = {"expect_column_mean_to_be_between": {"column": "temp", "min_value": 0}}
    declaration = declare(mean)
    present = ("flight_id", "time_hour", "late")
    found = validate(batch(rows(5), declaration, present), declaration, as_of=START, window=WINDOW)
    assert found.held_because == ("columns are missing: temp, carrier",)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("Temp ", "temp (there is 'Temp ')"),
        ("TEMP", "temp (there is 'TEMP')"),
        (
            "temperature",
            "temp. To go on without, write `missing_column: {temp: go_on}` under features, then check the batch again",
        ),
    ],
)
def test_a_missing_column_is_found_under_a_name_that_reads_the_same(written: str, hint: str) -> None:
    declaration = declare()
    parsed = batch(rows(5), declaration, ("flight_id", "time_hour", "late", "carrier"))
    found = validate(replace(parsed, extra=(written,)), declaration, as_of=START, window=WINDOW)
    assert found.held_because == (f"columns are missing: {hint}",)


def test_a_missing_column_is_found_in_another_form_of_unicode() -> None:
    said = declare().model_dump(mode="json", by_alias=True)
    declaration = Declaration.model_validate(said | {"features": {"numeric": ["t\u00e9mp"]}})
    parsed = batch(rows(5), declaration, ("flight_id", "time_hour", "late", "carrier"))
    found = validate(replace(parsed, extra=("te\u0301mp",)), declaration, as_of=START, window=WINDOW)
    assert "the same letters in another form of Unicode" in found.held_because[0]


def test_the_target_may_come_later_in_separate_files() -> None:
    known = declare({"expect_column_values_to_be_in_set": {"column": "late", "value_set": [0, 1]}})
    declaration = known.model_copy(update={"labels": LabelSource(path="labels", known_at="seen")})
    present = ("flight_id", "time_hour", "temp", "carrier")
    found = validate(batch(rows(5), declaration, present), declaration, as_of=END, window=WINDOW)
    assert (found.held_because, found.set_aside) == ((), {})
    assert found.infos == ("late: in {0, 1}: not checked, the column comes later with the labels",)


def test_an_empty_batch_is_held_for_that_alone() -> None:
    mean = {"expect_column_mean_to_be_between": {"column": "temp", "min_value": 0}}
    assert check([], mean).held_because == ("no rows: the batch is empty",)


def test_every_reason_of_a_row_with_several_faults_is_kept() -> None:
    cold = {"expect_column_values_to_be_between": {"column": "temp", "min_value": -30, "max_value": 115}}
    known = {"expect_column_values_to_be_in_set": {"column": "carrier", "value_set": ["UA", "AA"]}}
    worst = row(2, flight_id="f0", time_hour="2013-03-01", temp="200", carrier="??", late="7")
    found = check([row(0), row(1), worst], cold, known)
    assert found.set_aside[2] == (
        "flight_id: not unique in the batch",
        "time_hour: in the future (should be before 2013-02-01T00:00:00Z)",
        "time_hour: outside the batch's window",
        "late: neither 0 nor 1",
        "temp: between -30 and 115",
        "carrier: in {UA, AA}",
    )
    assert told(found)["flight_id: not unique in the batch"] == 2
    assert sum(told(found).values()) == 7


def test_rows_must_be_numbered_as_they_arrived() -> None:
    declaration = declare()
    parsed = batch(rows(4), declaration)
    parsed.frame.index = parsed.frame.index[::-1]
    with pytest.raises(ValueError, match="order of arrival"):
        validate(parsed, declaration, as_of=START, window=None)
