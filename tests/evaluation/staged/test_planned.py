"""A planned stage in words."""

from __future__ import annotations

from perennial.evaluation.planning import Spread
from perennial.evaluation.staged.plan import KeyValues
from perennial.evaluation.staged.planned import planned_stage

A_DAY = Spread(a_day=0.01, low=0.008, high=0.012, decisions=3, seen=None)
KEYS = KeyValues(deviation=10.0, a_day=500.0, keys=9_000)


def test_a_short_stage_states_that_it_compares_no_labels() -> None:
    planned = planned_stage("shadow", 0.0, 7, "none", spread=A_DAY)
    assert (planned.look_days, planned.loss, planned.keys) == ((), None, None)
    assert planned.sentences == (
        "Shadow, 7 days: a candidate that fails twice as often as the champion is stopped after about 70 failures of "
        "both together, one that fails five times as often after about 17.",
        "Labels are not compared in 7 days; 15 are needed.",
    )


def test_a_long_canary_states_its_looks_and_the_loss_it_finds() -> None:
    planned = planned_stage("canary", 0.1, 28, "none", spread=A_DAY, history=KEYS)
    assert (planned.look_days, planned.keys) == ((15.0, 22.0, 28.0), 14_000)
    assert planned.sentences[1] == "Labels are compared at days 15, 22, 28."
    assert planned.sentences[2].startswith("A loss of 0.006")
    assert planned.sentences[2].endswith("is found in 4 of 5 cases, from the spread of a day in 3 decisions.")


def test_a_split_is_planned_by_value_and_a_shadow_with_feedback_by_traffic_alone() -> None:
    split = planned_stage("canary", 0.5, 28, "outcome", spread=A_DAY, history=KEYS)
    assert (split.loss, split.value is not None) == (None, True)
    assert "from a standard deviation of 10.0 over 9,000 keys" in split.sentences[2]
    shadow = planned_stage("shadow", 0.0, 28, "labels", spread=A_DAY, history=KEYS)
    assert (shadow.look_days, shadow.value) == ((), None)
    assert "only the champion's decisions have any" in shadow.sentences[1]


def test_what_was_not_measured_is_unknown() -> None:
    planned = planned_stage("canary", 0.5, 28, "outcome")
    assert (planned.value, planned.keys) == (None, None)
    assert "has not been measured yet" in planned.sentences[2]
