"""The team's own checks: what each severity does, and what happens when a check itself fails."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from data_checks.running import run
from data_checks.suite import build_suite
from data_checks.validation import validate
from perennial.errors import InputError
from tests.data_checks.flight_batches import END, START, WINDOW, batch, check, declare, row, rows

WARM = {"column": "temp", "min_value": -30, "max_value": 115}


def between(severity: str = "critical", **arguments: Any) -> dict[str, Any]:
    return {"expect_column_values_to_be_between": WARM | arguments, "severity": severity}


def test_warnings_and_infos_are_reported_with_counts_and_accept_the_rows() -> None:
    found = check(rows(8, temp={1: "200", 5: "-99"}), between("warning"), between("info", max_value=150))
    assert found.set_aside == {}
    assert found.warnings == ("temp: between -30 and 115: 2 of 8 rows",)
    assert found.infos == ("temp: between -30 and 150: 2 of 8 rows",)


def test_a_check_that_passes_by_mostly_sets_no_row_aside_and_reports_the_rows() -> None:
    found = check(rows(10, temp={3: "200"}), between(mostly=0.9))
    assert found.set_aside == {}
    assert found.infos == ("temp: between -30 and 115 (for at least 90 %): 1 of 10 rows, as many as it allows",)


def test_where_mostly_does_not_suffice_the_failing_rows_are_set_aside() -> None:
    found = check(rows(10, temp={3: "200", 6: "300"}), between(mostly=0.9))
    assert found.set_aside == dict.fromkeys((3, 6), ("temp: between -30 and 115 (for at least 90 %)",))


def test_a_critical_aggregate_holds_the_batch_and_reports_its_value() -> None:
    mean = {"expect_column_mean_to_be_between": {"column": "temp", "min_value": 0, "max_value": 10}}
    found = check(rows(2), mean)
    assert found.held_because == ("temp: mean between 0 and 10: observed 40.5",)


def test_an_aggregate_of_nothing_is_unknown_and_not_fine() -> None:
    mean = {"expect_column_mean_to_be_between": {"column": "temp", "min_value": 0, "max_value": 99}}
    found = check(rows(2, temp={0: "", 1: ""}), mean)
    assert found.held_because == ("temp: mean between 0 and 99: nothing observed",)


def test_an_aggregate_that_only_warns_holds_nothing() -> None:
    mean = {"expect_column_mean_to_be_between": {"column": "temp", "max_value": 10}, "severity": "warning"}
    found = check(rows(2), mean)
    assert found.held_because == ()
    assert found.warnings == ("temp: mean at most 10: observed 40.5",)


def test_a_check_that_raises_holds_the_batch_and_is_named() -> None:
    mean = {"expect_column_mean_to_be_between": {"column": "carrier", "min_value": 0}}
    found = check(rows(4, temp={2: "200"}), mean, between())
    assert len(found.held_because) == 1
    assert found.held_because[0].startswith("carrier: mean at least 0: could not be checked: ")
    assert found.set_aside == {2: ("temp: between -30 and 115",)}, "the other checks still count"


def test_a_warning_that_raises_is_reported_as_a_warning() -> None:
    mean = {"expect_column_mean_to_be_between": {"column": "carrier", "min_value": 0}, "severity": "warning"}
    found = check(rows(4), mean)
    assert found.held_because == ()
    assert found.warnings[0].startswith("carrier: mean at least 0: could not be checked: ")


def test_where_great_expectations_fails_as_a_whole_the_check_at_fault_is_named(monkeypatch: Any) -> None:
    from great_expectations.expectations.core import ExpectColumnMedianToBeBetween

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(ExpectColumnMedianToBeBetween, "get_validation_dependencies", broken)
    median = {"expect_column_median_to_be_between": {"column": "temp", "min_value": 0}}
    found = check(rows(3, temp={1: "200"}), median, between())
    assert found.held_because == ("temp: median at least 0: could not be checked: by accident",)
    assert found.set_aside == {1: ("temp: between -30 and 115",)}


def test_two_checks_that_are_equal_to_great_expectations_are_both_run() -> None:
    found = check(rows(3, temp={0: "200", 1: "140"}), between(), between(max_value=150), between())
    assert found.set_aside == {
        0: ("temp: between -30 and 115", "temp: between -30 and 150"),
        1: ("temp: between -30 and 115",),
    }


def test_a_check_on_some_rows_only_sets_aside_among_them() -> None:
    some = between(row_condition="carrier == 'AA'")
    found = check(rows(4, temp={1: "200", 2: "200"}, carrier={1: "AA"}), some)
    assert found.set_aside == {1: ("temp: between -30 and 115 where carrier == 'AA'",)}


def test_times_without_a_zone_are_of_the_use_cases_calendar() -> None:
    early = {"expect_column_values_to_be_between": {"column": "time_hour", "min_value": "2013-01-02"}}
    times = {0: "2013-01-02T04:59:59Z", 1: "2013-01-02T05:00:00Z"}
    found = check(rows(2, time_hour=times), declaration=declare(early, timezone="America/New_York"))
    assert found.set_aside == {0: ("time_hour: at least 2013-01-02",)}


def test_numbers_in_a_set_for_a_text_column_are_meant_as_texts() -> None:
    codes = {"expect_column_values_to_be_in_set": {"column": "carrier", "value_set": [1, 2]}}
    found = check(rows(3, carrier={0: "1", 1: "2", 2: "3"}), codes)
    assert found.set_aside == {2: ("carrier: in {1, 2}",)}


def test_columns_nobody_declared_count_for_checks_on_columns_and_helpers_do_not() -> None:
    count = {"expect_table_column_count_to_equal": {"value": 6}}
    names = {"expect_table_columns_to_match_set": {"column_set": ["gate"], "exact_match": False}}
    declaration = declare(count, names, {"expect_column_to_exist": {"column": "gate"}})
    columns = ("flight_id", "time_hour", "temp", "carrier", "late", "gate")
    arrived = batch([row(0, gate="A1")], declaration, columns)
    assert validate(arrived, declaration, as_of=END, window=WINDOW).held_because == ()
    without = validate(batch([row(0)], declaration), declaration, as_of=END, window=WINDOW)
    assert without.held_because[0] == "table: number of columns 6: observed 5"
    assert len(without.held_because) == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"expect_column_values_to_be_between": {"column": "temp"}}, "min_value and max_value cannot both be None"),
        ({"expect_column_values_to_be_in_set": {"column": "temp"}}, "value_set: field required"),
        (
            {"expect_column_values_to_be_between": {"column": "time_hour", "min_value": "soon"}},
            "min_value: 'soon' is not a time",
        ),
    ],
)
def test_a_check_that_cannot_be_built_names_itself_and_the_argument(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=r"^checks\[1\] expect_") as told:
        check(rows(1), between(), wrong)
    assert message in str(told.value)


def test_results_are_plain_json_without_a_machines_paths() -> None:
    quantiles = {
        "column": "temp",
        "quantile_ranges": {"quantiles": [0.1, 0.9], "value_ranges": [[0, 1], [None, 2]]},
    }
    found = check(
        rows(5, temp={1: "x"}),
        {"expect_column_quantile_values_to_be_between": quantiles},
        {"expect_column_mean_to_be_between": {"column": "carrier", "min_value": 0}},
    )
    text = json.dumps(found.results, allow_nan=False)
    assert "site-packages" not in text
    assert [r["success"] for r in found.results if "quantile" in r["expectation"]] == [False]


def test_results_do_not_grow_with_the_number_of_distinct_values() -> None:
    distinct = {"expect_column_distinct_values_to_be_in_set": {"column": "flight_id", "value_set": ["f0"]}}
    found = check(rows(1000), distinct)
    assert len(json.dumps(found.results)) < 60_000
    assert all(len(reason) < 400 for reason in found.held_because)


def test_batches_checked_at_the_same_time_do_not_mix() -> None:
    faults = [{n: "200"} for n in range(6)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda fault: check(rows(8, temp=fault), between()), faults))
    assert [list(each.set_aside) for each in found] == [[n] for n in range(6)]


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    check(
        rows(4, temp={1: "200"}),
        between(),
        {"expect_column_mean_to_be_between": {"column": "carrier"} | {"min_value": 0}},
    )
    assert capfd.readouterr() == ("", "")


def test_a_suite_can_be_run_by_itself() -> None:
    import pandas as pd

    planned = build_suite(declare(), as_of=START, batch_window=None)
    counted = [p for p in planned if p.reason.startswith("no rows")]
    assert [found.success for found in run(pd.DataFrame({"a": [1]}), counted)] == [True]


@pytest.mark.parametrize("least", [{"min_value": 9, "max_value": 20}, {"min_value": 9}])
def test_too_few_rows_of_an_unfinished_window_are_noted_and_no_warning(least: dict[str, Any]) -> None:
    size = {"expect_table_row_count_to_be_between": least, "severity": "warning"}
    whole = check(rows(4), size)
    assert len(whole.warnings) == 1 and whole.notes == ()
    part = check(rows(4), size, unfinished="January is not over yet")
    assert part.warnings == ()
    (note,) = part.notes
    assert note.endswith("observed 4, not evaluated: January is not over yet")


def test_too_many_rows_are_a_warning_in_an_unfinished_window_too_and_a_critical_check_holds_it() -> None:
    many = {"expect_table_row_count_to_be_between": {"max_value": 3}, "severity": "warning"}
    assert len(check(rows(4), many, unfinished="not over").warnings) == 1
    critical = {"expect_table_row_count_to_be_between": {"min_value": 9}}
    assert check(rows(4), critical, unfinished="not over").held
