"""arrived = accepted + set aside, whatever arrives; and what was set aside is kept as it arrived."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_checks.split import RowsLost, raw_rows, split
from data_checks.validation import validate
from perennial.our_columns import RAW, REASONS, ROW
from tests.data_checks.flight_batches import END, WINDOW, Row, batch, check, declare, row, rows
from tests.extent import part_of

WARM = {"expect_column_values_to_be_between": {"column": "temp", "min_value": -30, "max_value": 115}}
KNOWN = {"expect_column_values_to_be_in_set": {"column": "carrier", "value_set": ["UA", "AA"]}}

cells = st.fixed_dictionaries(
    {},
    optional={
        "flight_id": st.sampled_from(["", "twin", "other twin"]),
        "time_hour": st.sampled_from(["", "soon", "2012-12-31T23:59:59Z", "2013-02-01T00:00:00Z", "2013-01-31"]),
        "temp": st.sampled_from(["", "abc", "200", "-31", "1e400", "115"]),
        "carrier": st.sampled_from(["", "AA", "??"]),
        "late": st.sampled_from(["", "2", "no", "1.0", "true"]),
    },
)


def expected(found: list[Row]) -> dict[int, set[str]]:
    """The reasons of each row, worked out by hand."""
    keys = Counter(each["flight_id"] for each in found if each["flight_id"])
    reasons: dict[int, set[str]] = {}
    for number, each in enumerate(found):
        mine = {
            "flight_id: missing": not each["flight_id"],
            "flight_id: not unique in the batch": keys[each["flight_id"]] > 1,
            "time_hour: missing": not each["time_hour"],
            "time_hour: not a time": each["time_hour"] == "soon",
            "time_hour: outside the batch's window": each["time_hour"].startswith(("2012-12", "2013-02")),
            "time_hour: in the future (should be before 2013-02-01T00:00:00Z)": each["time_hour"].startswith("2013-02"),
            "temp: not a number": each["temp"] in ("abc", "1e400"),
            "temp: between -30 and 115": each["temp"] in ("200", "-31"),
            "carrier: in {UA, AA}": each["carrier"] == "??",
            "late: neither 0 nor 1": each["late"] in ("2", "no"),
        }
        if any(mine.values()):
            reasons[number] = {reason for reason, holds in mine.items() if holds}
    return reasons


@given(faults=st.lists(cells, min_size=1, max_size=12))
@settings(max_examples=part_of(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_row_is_lost_and_every_reason_is_kept(faults: list[Row]) -> None:
    found = [row(number, **fault) for number, fault in enumerate(faults)]
    declaration = declare(WARM, KNOWN)
    parsed = batch(found, declaration)
    checked = validate(parsed, declaration, as_of=END, window=WINDOW)
    assert checked.held_because == ()
    assert {number: set(reasons) for number, reasons in checked.set_aside.items()} == expected(found)

    accepted, quarantine = split(parsed.frame, raw_rows(parsed, list(checked.set_aside)), checked.set_aside)
    assert len(accepted) + len(quarantine) == len(found)
    assert sorted([*accepted.index, *quarantine[ROW]]) == list(range(len(found)))
    told = Counter(reason for reasons in quarantine[REASONS] for reason in json.loads(reasons))
    assert told == {reason.reason: reason.rows for reason in checked.reasons}


def test_what_arrived_survives_as_text() -> None:
    declaration = declare()
    found = rows(4, temp={1: "abc"}, late={1: ""}, time_hour={1: "2013-01-05T07:30:00+02:00"})
    parsed = batch(found, declaration)
    checked = check(found)
    accepted, quarantine = split(parsed.frame, raw_rows(parsed, [1]), checked.set_aside)
    assert list(accepted["flight_id"]) == ["f0", "f2", "f3"]
    assert quarantine[ROW].tolist() == [1]
    assert json.loads(quarantine[REASONS][0]) == ["temp: not a number"]
    assert json.loads(quarantine[RAW][0]) == {
        "flight_id": "f1",
        "time_hour": "2013-01-05T05:30:00+00:00",
        "temp": "abc",
        "carrier": "UA",
        "late": None,
    }


def test_whole_numbers_are_kept_without_a_point() -> None:
    declaration = declare()
    parsed = batch(rows(1, temp={0: "40.0"}), declaration)
    assert raw_rows(parsed, [0]).loc[0, "temp"] == "40"


def test_a_clean_batch_has_an_empty_quarantine_of_the_same_shape() -> None:
    declaration = declare()
    parsed = batch(rows(3), declaration)
    accepted, quarantine = split(parsed.frame, raw_rows(parsed, []), {})
    assert len(accepted) == 3
    assert quarantine.dtypes.to_dict() == {
        ROW: "int64",
        REASONS: "str",
        RAW: "str",
    }


def test_a_row_that_never_arrived_cannot_be_set_aside() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    raw = pd.DataFrame({"a": ["1", "2", "3"]})
    with pytest.raises(RowsLost, match="2 rows arrived"):
        split(frame, raw, {2: ("a: too much",)})


def test_no_row_is_set_aside_without_a_reason() -> None:
    frame = pd.DataFrame({"a": [1.0]})
    with pytest.raises(RowsLost, match="without a reason"):
        split(frame, frame.astype("str"), {0: ()})


def test_a_row_whose_text_is_not_given_is_not_dropped() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(KeyError):
        split(frame, frame.iloc[:1].astype("str"), {1: ("a: too much",)})
