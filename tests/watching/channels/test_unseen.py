"""The unseen channel: new categories are found on the day they come."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.ledger.entries import Reading
from perennial.watching.channels import unseen as channel
from perennial.watching.channels.unseen import UnseenFinding, Usual, usual_share

SEEN = {"carrier": {"AA", "UA"}, "origin": {"JFK", "LGA"}}


def unseen(columns: Any, seen: Any, **how: Any) -> UnseenFinding:
    """The finding on columns that are one part."""
    return channel.unseen([columns], seen, **how)


def test_rows_that_come_in_parts_count_as_if_they_came_together() -> None:
    parts = [rows(["AA", "ZZ"], ["LGA", "EWR"]), rows(["YY"]), rows(["ZZ", None, "UA"], ["EWR", "JFK", "JFK"])]
    together = {name: [value for part in parts for value in part[name]] for name in SEEN}
    assert channel.unseen(parts, SEEN, tolerated=0.05) == unseen(together, SEEN, tolerated=0.05)


def rows(carriers: list[Any], origins: list[Any] | None = None) -> dict[str, list[Any]]:
    return {"carrier": carriers, "origin": origins or ["JFK"] * len(carriers)}


def test_a_row_counts_once_however_many_columns_are_new() -> None:
    found = unseen(rows(["AA", "ZZ", "YY", "UA"], ["JFK", "EWR", "JFK", "LGA"]), SEEN, tolerated=0.05)
    assert (found.share, found.unseen_rows, found.rows) == (0.5, 2, 4)
    assert list(found.columns.items()) == [("carrier", 0.5), ("origin", 0.25)]


@pytest.mark.parametrize("null", [None, math.nan, np.nan, pd.NA, pd.NaT, np.float32("nan")])
def test_a_missing_value_is_not_a_new_one(null: Any) -> None:
    found = unseen(rows(["AA", null, null, "UA"]), SEEN, tolerated=0.05)
    assert found.share == 0
    assert found.back


@pytest.mark.parametrize(("new", "alarm"), [(49, False), (50, True), (200, True)])
def test_the_alarm_rings_from_the_threshold_on(new: int, alarm: bool) -> None:
    found = unseen(rows(["ZZ"] * new + ["AA"] * (1_000 - new)), SEEN, tolerated=0.05)
    assert found.alarm == alarm
    assert found.back == (not alarm)


def test_one_strange_row_in_a_small_batch_neither_rings_nor_ends() -> None:
    found = unseen(rows(["ZZ", *["AA"] * 9]), SEEN, tolerated=0.05)
    assert (found.alarm, found.back) == (False, False)


def test_the_words_have_the_numbers() -> None:
    found = unseen(rows(["ZZ"] * 60 + ["AA"] * 940), SEEN, tolerated=0.05)
    assert found.words == (
        "60 of 1,000 rows (6 %) have a category never seen in training; an alarm needs 5 %: carrier 6 % ('ZZ' 60 rows)."
    )


@pytest.mark.parametrize(("columns", "seen"), [({}, {}), ({"carrier": []}, {"carrier": {"AA"}})])
def test_nothing_to_look_at_is_unknown(columns: Any, seen: Any) -> None:
    found = unseen(columns, seen, tolerated=0.05)
    assert (found.share, found.alarm, found.back) == (None, False, False)


def test_frames_and_arrays_are_read_as_they_come() -> None:
    frame = pd.DataFrame({"carrier": ["AA", "ZZ", None], "origin": pd.Categorical(["JFK", "EWR", "JFK"])})
    found = unseen({name: frame[name] for name in frame}, SEEN, tolerated=0.05)
    assert found.unseen_rows == 1
    arrays: Any = {"gate": np.array([1, 2, 3])}
    assert unseen(arrays, {"gate": [1, 2]}, tolerated=0.05).unseen_rows == 1


def test_columns_must_be_there_and_equally_long() -> None:
    with pytest.raises(KeyError, match="origin"):
        unseen({"carrier": ["AA"]}, SEEN, tolerated=0.05)
    with pytest.raises(ValueError, match="must have the same length"):
        unseen({"carrier": ["AA"], "origin": ["JFK", "JFK"]}, SEEN, tolerated=0.05)


def readings(*shares: float | None, age: float = 30.0) -> list[Reading]:
    return [Reading(channel="unseen", value=share, threshold=0.05, age_days=age, words="") for share in shares]


def test_where_codes_turn_over_the_usual_share_of_that_age_is_no_alarm() -> None:
    """A tenth to a quarter of each month's rows have new product codes: an alarm at first, then it is over."""
    shares, past, alarms = [0.10, 0.18, 0.14, 0.12, 0.16, 0.11, 0.22], list[Reading](), []
    for share in shares:
        new = round(share * 1_000)
        batch = rows([f"new {n}" for n in range(new)] + ["AA"] * (1_000 - new))
        found = unseen(batch, SEEN, tolerated=0.05, usual=usual_share(past, 30.0))
        alarms.append(found.alarm)
        past += readings(found.share)
    assert alarms == [True, True, True, False, False, False, False]
    assert found.back and "since 13 % are usual this long after training" in found.words
    jump = unseen(rows(["ZZ"] * 400 + ["AA"] * 600), SEEN, tolerated=0.05, usual=usual_share(past, 30.0))
    assert jump.alarm and not jump.back


def test_a_jump_where_nothing_was_unseen_rings_on_its_first_batch_and_lasts() -> None:
    past = readings(0.0, 0.001, 0.0, 0.002)
    assert usual_share(past, 30.0).share < 0.002
    three_months = usual_share([*past, *readings(0.3, 0.3, 0.3)], 30.0)
    assert three_months.share + three_months.spread < 0.02, "three months of it are not yet usual"


@pytest.mark.parametrize(("age", "usual"), [(30.0, 0.2), (59.0, 0.2), (61.0, 0.0), (14.0, 0.0)])
def test_only_models_of_a_like_age_say_what_is_usual(age: float, usual: float) -> None:
    assert usual_share(readings(0.2, 0.2, 0.2), age) == Usual(usual, 0.0, known=usual > 0)
    assert usual_share(readings(0.2, 0.2), 30.0) == Usual(), "two batches make nothing usual"
    assert usual_share(readings(None, None, None, 0.2), 30.0) == Usual()


def test_new_values_are_named_with_their_rows_the_most_frequent_first() -> None:
    values = ["ZZ"] * 300 + ["YY"] * 100 + [f"x{n}" for n in range(10)] + ["AA"] * 590
    found = unseen(rows(values), SEEN, tolerated=0.05)
    assert "carrier 41 % ('ZZ' 300, 'YY' 100, 'x0' 1, 'x1' 1, 'x2' 1 row)" in found.words
    assert found.evidence is not None
    (carrier,) = found.evidence.columns
    assert [(each.value, each.rows) for each in carrier.values[:2]] == [("ZZ", 300), ("YY", 100)]


def test_a_jump_pages_only_once_the_usual_share_is_known() -> None:
    jump = rows(["ZZ"] * 120 + ["AA"] * 880)
    assert unseen(jump, SEEN, tolerated=0.05).severity is None
    assert unseen(jump, SEEN, tolerated=0.05, usual=usual_share(readings(0.0, 0.0, 0.0), 30.0)).severity == "page"
    turning = usual_share(readings(0.10, 0.11, 0.09), 30.0)
    assert not unseen(jump, SEEN, tolerated=0.05, usual=turning).alarm


def test_product_codes_of_which_a_fifth_is_always_new_keep_no_episode_open() -> None:
    """Two years of months: each model is a month old, and 16 to 24 % of the rows have codes that it never saw."""
    draw, past, alarms = np.random.default_rng(0), list[Reading](), []
    for _ in range(24):
        new = int(draw.integers(160, 240))
        batch = rows([f"new {n}" for n in range(new)] + ["AA"] * (1_000 - new))
        found = unseen(batch, SEEN, tolerated=0.05, usual=usual_share(past, 30.0))
        alarms.append(found.alarm)
        assert found.back == (not found.alarm)
        past += readings(found.share)
    assert alarms[:3] == [True, True, True], "nothing is usual before three batches"
    assert not any(alarms[3:])
