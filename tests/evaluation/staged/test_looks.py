"""Labels are looked at as planned, for harm, and all looks together err at 4 %."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perennial.evaluation.judgement import Asked
from perennial.evaluation.patience import nominal_level, obrien_fleming
from perennial.evaluation.staged.looks import planned_look_days
from perennial.evaluation.staged.results import Finding, Look
from perennial.evaluation.staged.verdict import look_at
from tests.evaluation.staged.streams import ANSWERED, days_of, stage

NOISE = np.random.default_rng(3).normal(0, 1, 28)
NOISE -= NOISE.mean()


def of_metric(look: Look, check: str = "mae") -> Finding:
    return next(finding for finding in look.findings if finding.check == check)


@pytest.mark.parametrize(
    ("looks", "bounds"),
    [(4, (4.3326, 2.9631, 2.3590, 2.0141)), (5, (4.8769, 3.3569, 2.6803, 2.2898, 2.0310))],
)
def test_the_bounds_are_those_of_lan_and_demets(looks: int, bounds: tuple[float, ...]) -> None:
    """As published for one-sided 2.5 % and equal steps, and as R's gsDesign prints them."""
    shares = [(k + 1) / looks for k in range(looks)]
    levels = [nominal_level(0.025, shares[: k + 1], obrien_fleming) for k in range(looks)]
    assert stats.norm.isf(levels) == pytest.approx(np.array(bounds), abs=3e-4)


def test_labels_are_looked_at_after_fifteen_days_then_weekly_and_at_the_end() -> None:
    taken: list[float] = []
    looked = []
    for day in range(1, 41):
        now = min(day, 28)
        look = look_at(stage(days_of(NOISE[:now]), day=day, looks=tuple(taken)))
        if look.information is not None:
            taken.append(look.information)
            looked.append(day)
    assert looked == list(planned_look_days(28)) == [15, 22, 28]
    assert taken[-1] == 1.0


def test_before_the_first_look_nothing_is_decidable_and_between_looks_nothing_is_compared() -> None:
    early = look_at(stage(days_of(NOISE[:10] + 50), day=10))
    assert (early.verdict, of_metric(early).verdict) == ("wait", "not_decidable")
    assert "10 days of labels; the first look needs 15" in of_metric(early).sentence
    between = look_at(stage(days_of(NOISE[:18] + 50), day=18, looks=(15 / 28,)))
    assert (between.verdict, of_metric(between).verdict, between.information) == ("wait", "information", None)


def test_a_harmful_candidate_is_stopped_at_the_first_look_with_its_numbers() -> None:
    look = look_at(stage(days_of(NOISE[:15] + 3), day=15))
    harm = of_metric(look)
    assert (look.verdict, harm.verdict) == ("abort", "harm")
    assert harm.statistic is not None and harm.threshold is not None and harm.statistic > harm.threshold
    assert "proven worse on 15 rows of 15 days" in look.reason
    assert look.level == pytest.approx(obrien_fleming(0.04, 15 / 28))


def test_a_look_without_harm_states_which_harm_it_would_have_found() -> None:
    look = look_at(stage(days_of(NOISE), day=28))
    passed = of_metric(look)
    assert (look.verdict, passed.verdict) == ("advance", "passed")
    assert passed.detectable is not None and passed.detectable > 0
    assert "would have been found in 4 of 5 such samples" in passed.sentence


def test_a_better_candidate_is_no_harm() -> None:
    assert look_at(stage(days_of(NOISE - 3), day=28)).verdict == "advance"


def test_a_short_stage_advances_on_its_traffic_and_states_that_labels_were_not_compared() -> None:
    look = look_at(stage(days_of(NOISE[:7]), day=7, planned=7))
    assert (look.verdict, of_metric(look).verdict) == ("advance", "not_decidable")
    assert "1 check could not be decided: mae." in look.reason
    assert "7 days of labels; 15 are needed" in of_metric(look).sentence


def test_a_guard_may_be_worse_by_its_margin() -> None:
    def with_margin(margin: float | None) -> str:
        metrics = (Asked("rmse", "primary"), Asked("mae", "guard", margin=margin))
        return of_metric(look_at(stage(days_of(NOISE + 2, rows=200), day=28, metrics=metrics))).verdict

    assert [with_margin(margin) for margin in (None, 0.5, 4.0)] == ["harm", "harm", "passed"]


def test_two_equal_models_are_no_harm() -> None:
    assert of_metric(look_at(stage(days_of(np.zeros(28)), day=28))).verdict == "passed"


def test_labels_are_not_compared_once_a_single_prediction_stopped_the_stage() -> None:
    look = look_at(stage(days_of(NOISE), day=28, traffic=replace(ANSWERED, invalid=1)))
    assert (look.verdict, look.information) == ("abort", None)


@given(st.floats(0, 3), st.floats(0, 3))
@settings(max_examples=30, deadline=None)
def test_more_harm_never_looks_better(one: float, other: float) -> None:
    small, large = sorted((one, other))
    findings = [of_metric(look_at(stage(days_of(NOISE + loss), day=28))) for loss in (small, large)]
    statistics = [finding.statistic or 0.0 for finding in findings]
    assert statistics[0] <= statistics[1] + 1e-9
    assert not (findings[0].verdict == "harm" and findings[1].verdict == "passed")


def test_all_looks_of_a_stage_rarely_stop_an_equal_candidate() -> None:
    random = np.random.default_rng(11)
    aborts = 0
    for _ in range(200):
        losses = random.normal(0, 1, 28)
        taken: tuple[float, ...] = ()
        for day in planned_look_days(28):
            look = look_at(stage(days_of(losses[: int(day)]), day=day, looks=taken))
            taken = (*taken, look.information or 1.0)
            if look.verdict == "abort":
                aborts += 1
                break
    assert aborts / 200 < 0.11
