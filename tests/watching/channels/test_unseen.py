"""The unseen channel: new categories are found on the day they come."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.watching.channels.unseen import unseen

SEEN = {"carrier": {"AA", "UA"}, "origin": {"JFK", "LGA"}}


def rows(carriers: list[Any], origins: list[Any] | None = None) -> dict[str, list[Any]]:
    return {"carrier": carriers, "origin": origins or ["JFK"] * len(carriers)}


def test_a_row_counts_once_however_many_columns_are_new() -> None:
    found = unseen(rows(["AA", "ZZ", "YY", "UA"], ["JFK", "EWR", "JFK", "LGA"]), SEEN, threshold=0.05)
    assert (found.share, found.unseen_rows, found.rows) == (0.5, 2, 4)
    assert list(found.columns.items()) == [("carrier", 0.5), ("origin", 0.25)]


@pytest.mark.parametrize("null", [None, math.nan, np.nan, pd.NA, pd.NaT, np.float32("nan")])
def test_a_missing_value_is_not_a_new_one(null: Any) -> None:
    found = unseen(rows(["AA", null, null, "UA"]), SEEN, threshold=0.05)
    assert found.share == 0
    assert found.back


@pytest.mark.parametrize(("new", "alarm"), [(49, False), (50, True), (200, True)])
def test_the_alarm_rings_from_the_threshold_on(new: int, alarm: bool) -> None:
    found = unseen(rows(["ZZ"] * new + ["AA"] * (1_000 - new)), SEEN, threshold=0.05)
    assert found.alarm == alarm
    assert found.back == (not alarm)


def test_one_strange_row_in_a_small_batch_neither_rings_nor_ends() -> None:
    found = unseen(rows(["ZZ", *["AA"] * 9]), SEEN, threshold=0.05)
    assert (found.alarm, found.back) == (False, False)


def test_the_words_have_the_numbers() -> None:
    found = unseen(rows(["ZZ"] * 60 + ["AA"] * 940), SEEN, threshold=0.05)
    assert found.words == (
        "60 of 1,000 rows (6 %) have a category never seen in training; 5 % is too much: carrier 6 %."
    )


@pytest.mark.parametrize(("columns", "seen"), [({}, {}), ({"carrier": []}, {"carrier": {"AA"}})])
def test_nothing_to_look_at_is_unknown(columns: Any, seen: Any) -> None:
    found = unseen(columns, seen, threshold=0.05)
    assert (found.share, found.alarm, found.back) == (None, False, False)


def test_frames_and_arrays_are_read_as_they_come() -> None:
    frame = pd.DataFrame({"carrier": ["AA", "ZZ", None], "origin": pd.Categorical(["JFK", "EWR", "JFK"])})
    found = unseen({name: frame[name] for name in frame}, SEEN, threshold=0.05)
    assert found.unseen_rows == 1
    arrays: Any = {"gate": np.array([1, 2, 3])}
    assert unseen(arrays, {"gate": [1, 2]}, threshold=0.05).unseen_rows == 1


def test_columns_must_be_there_and_equally_long() -> None:
    with pytest.raises(KeyError, match="origin"):
        unseen({"carrier": ["AA"]}, SEEN, threshold=0.05)
    with pytest.raises(ValueError, match="equally long"):
        unseen({"carrier": ["AA"], "origin": ["JFK", "JFK"]}, SEEN, threshold=0.05)
