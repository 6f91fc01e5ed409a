"""The release policies: what follows from the evidence, in every case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perennial.deciding.ruling import gain_bound
from perennial.evaluation.budget import Taken
from perennial.evaluation.figures import change, figure, percent
from perennial.evaluation.guards import GuardFinding
from perennial.evaluation.intervals.mde import minimal_detectable_effect
from perennial.evaluation.policies import POLICIES, load_policy
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.results import MetricResult
from tests.evaluation.conftest import primary_of

Make = Callable[..., MetricResult]

PASSED = GuardFinding()
BLOCKED = GuardFinding("blocked", ("Guard roc_auc blocks: it may be worse by more than 0.005.",))
UNDECIDED = GuardFinding("undecided", ("Guard roc_auc cannot be decided: 12 positive rows; 20 are needed.",))

# Standard error .001 and 4 degrees of freedom: proven at 5 % from 2.13 standard errors.
BETTER, ALIKE, WORSE = 0.004, 0.0005, -0.004
FRESH: dict[str, Any] = {"days_since_release": 30.0, "champion_skill": 0.1}
DUE: dict[str, Any] = {"days_since_release": 91.0, "champion_skill": 0.1}  # may lose 5 % of .1: .005
DUE_WITH_A_FINE_MARGIN: dict[str, Any] = {"days_since_release": 91.0, "champion_skill": 0.01}  # .0005
DUE_AND_COLLAPSED: dict[str, Any] = {"days_since_release": 91.0, "champion_skill": None}
FIRST: dict[str, Any] = {"is_first": True}

TABLE = [
    # gain, guards, age, balanced, hold
    (BETTER, PASSED, FRESH, "release", "held"),
    (BETTER, BLOCKED, FRESH, "blocked", "blocked"),
    (BETTER, UNDECIDED, FRESH, "undecided", "undecided"),
    (ALIKE, PASSED, FRESH, "undecided", "undecided"),
    (ALIKE, BLOCKED, FRESH, "undecided", "undecided"),
    (WORSE, PASSED, FRESH, "keep", "keep"),
    (None, PASSED, FRESH, "undecided", "undecided"),
    (ALIKE, PASSED, DUE, "release", "held"),
    (ALIKE, BLOCKED, DUE, "blocked", "blocked"),
    (ALIKE, UNDECIDED, DUE, "undecided", "undecided"),
    (ALIKE, PASSED, DUE_WITH_A_FINE_MARGIN, "undecided", "held"),
    (ALIKE, BLOCKED, DUE_WITH_A_FINE_MARGIN, "undecided", "undecided"),
    (ALIKE, PASSED, DUE_AND_COLLAPSED, "undecided", "held"),
    (BETTER, PASSED, DUE_AND_COLLAPSED, "release", "held"),
    (WORSE, PASSED, DUE, "keep", "keep"),
    (None, PASSED, DUE, "undecided", "undecided"),
    (WORSE, PASSED, DUE | {"champion_skill": 0.2}, "keep", "keep"),  # by less than the margin, but proven worse
    (BETTER, PASSED, FIRST, "first", "held"),
    (BETTER, UNDECIDED, FIRST, "first", "held"),
    (BETTER, BLOCKED, FIRST, "blocked", "blocked"),
    (ALIKE, PASSED, FIRST, "undecided", "undecided"),
    (WORSE, PASSED, FIRST, "keep", "keep"),
    (None, PASSED, FIRST, "undecided", "undecided"),
]


def case_of(make: Make, gain: float | None, guards: GuardFinding, age: dict[str, Any]) -> Case:
    primary = make(gain, note="14 days of labels; 15 are needed" if gain is None else "")
    return Case(primary, guards, rows=27_004, clusters=28, **age)


@pytest.mark.parametrize(("gain", "guards", "age", "balanced", "hold"), TABLE)
def test_outcome(
    metric_result: Make, gain: float | None, guards: GuardFinding, age: dict[str, Any], balanced: str, hold: str
) -> None:
    case = case_of(metric_result, gain, guards, age)
    assert load_policy("balanced")(case).outcome == balanced
    assert load_policy("hold")(case).outcome == hold


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("gain", "guards", "age"), [row[:3] for row in TABLE])
def test_every_ruling_gives_its_reason_with_the_sample(
    metric_result: Make, policy: str, gain: float | None, guards: GuardFinding, age: dict[str, Any]
) -> None:
    reasons = load_policy(policy)(case_of(metric_result, gain, guards, age)).reasons
    assert "27,004 rows of 28 days" in reasons[0]
    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)
    if gain is None:
        assert "14 days of labels; 15 are needed" in reasons[0]
    else:
        assert "95 % interval" in reasons[0]
        assert "one-sided p" in reasons[0]


@pytest.mark.parametrize(
    ("gain", "guards", "newest", "yearly"),
    [
        (BETTER, PASSED, "release", "undecided"),  # p .008 is not under 5 % / 16
        (BETTER * 5, PASSED, "release", "release"),  # p .00002 is
        (BETTER * 5, BLOCKED, "blocked", "blocked"),
        (BETTER * 5, UNDECIDED, "undecided", "undecided"),
        (ALIKE, PASSED, "release", "undecided"),
        (ALIKE, BLOCKED, "blocked", "undecided"),
        (-ALIKE, PASSED, "release", "undecided"),
        (WORSE, PASSED, "keep", "keep"),
        (None, PASSED, "undecided", "undecided"),
    ],
)
def test_outcome_of_the_newest_and_of_shares(
    metric_result: Make, gain: float | None, guards: GuardFinding, newest: str, yearly: str
) -> None:
    case = case_of(metric_result, gain, guards, FRESH)
    assert load_policy("newest_unless_worse")(case).outcome == newest
    assert load_policy("five_percent_a_year")(case).outcome == yearly
    assert load_policy("newest_unless_worse")(case).alpha == 0.05
    assert load_policy("five_percent_a_year")(case).alpha == 0.05 / 16
    assert load_policy("strict")(case).alpha == pytest.approx(0.05 / 80)


def test_a_spent_year_releases_nothing_however_good(metric_result: Make) -> None:
    case = replace(case_of(metric_result, 0.1, PASSED, FRESH), year=2013, taken=(Taken(2013, "planned", 0.05),))
    ruling = load_policy("five_percent_a_year")(case)
    assert (ruling.outcome, ruling.alpha, ruling.spent) == ("undecided", 0.0, 0.05)
    assert "could err at 5 %" in ruling.reasons[1]
    assert load_policy("five_percent_a_year")(replace(case, year=2014)).outcome == "release"


def test_what_could_have_been_seen_is_that_of_the_share(metric_result: Make) -> None:
    told = load_policy("five_percent_a_year")(case_of(metric_result, ALIKE, PASSED, FRESH)).reasons[0]
    seen = minimal_detectable_effect(0.001, 4, alpha=0.05 / 16)
    assert f"A true gain of {figure(seen, 3)} would" in told and seen > 2 * minimal_detectable_effect(0.001, 4)


def balanced(make: Make, gain: float | None, guards: GuardFinding = PASSED, **age: Any) -> Ruling:
    return load_policy("balanced")(case_of(make, gain, guards, FRESH | age))


def test_a_release_reads_like_a_sentence(metric_result: Make) -> None:
    assert balanced(metric_result, BETTER).reasons == (
        "The challenger is better than the champion on 27,004 rows of 28 days: log_loss 0.39600, the champion "
        "0.40000, gain +0.00400, at least +0.00187 at 5 % (95 % interval +0.00122 to +0.00678, one-sided p 0.008).",
    )


def test_a_gain_too_small_to_detect_is_stated(metric_result: Make) -> None:
    assert (
        "A true gain of 0.00304 would have been found in 4 of 5 such samples." in balanced(metric_result, 0).reasons[0]
    )


def test_age_is_only_spoken_of_when_it_counts(metric_result: Make) -> None:
    told = balanced(metric_result, ALIKE, **DUE).reasons
    assert told[1] == (
        "Nothing was released for 91 days (refresh after 90), and the challenger is not worse by more than 0.00500, "
        "which is 5 % of the champion's skill over the base rate."
    )
    assert len(balanced(metric_result, ALIKE).reasons) == 1
    assert len(balanced(metric_result, BETTER, **DUE).reasons) == 1


@given(
    gain=st.floats(-0.1, 0.1),
    se=st.floats(1e-4, 0.05),
    df=st.sampled_from([4.0, 8.0, 40.0]),
    skill=st.floats(1e-3, 10.0),
)
def test_by_age_only_what_is_no_worse_is_released(gain: float, se: float, df: float, skill: float) -> None:
    """No worse: not proven worse, and proven to lose less than 5 % of the skill and less than 2 % of the loss."""
    primary = primary_of(gain, se, df=df)
    case = Case(primary, PASSED, rows=27_004, clusters=28, days_since_release=91.0, champion_skill=skill)
    ruling = load_policy("balanced")(case)
    if ruling.outcome != "release" or case.is_better:
        return
    assert primary.p_value is not None and primary.p_value < 0.95
    assert stats.t.cdf((-0.02 * 0.4 - gain) / se, df) < 0.05 and stats.t.cdf((-0.05 * skill - gain) / se, df) < 0.05
    assert "is not worse by more than" in " ".join(ruling.reasons)


def test_the_margin_of_age_is_bounded_by_the_loss_where_a_constant_is_far_off(metric_result: Make) -> None:
    """5 % of a skill of 1.2 is .06, a seventh of the loss .4; a loss of up to .03 was released once."""
    age = DUE | {"champion_skill": 1.2}
    unsure = metric_result(-0.012, 0.008)
    told = load_policy("balanced")(Case(unsure, PASSED, rows=27_004, clusters=28, **age))
    assert (told.outcome, case_of(metric_result, ALIKE, PASSED, age).is_worse) == ("undecided", False)
    assert told.reasons[1].endswith("may be worse by more than 0.00800, which is 2 % of the champion's own log_loss.")
    assert balanced(metric_result, ALIKE, **age).outcome == "release"


@pytest.mark.parametrize(("least", "outcome"), [(0.0, "release"), (0.001, "release"), (0.002, "undecided")])
def test_a_proven_gain_that_is_too_small_is_not_released(metric_result: Make, least: float, outcome: str) -> None:
    """Proven to be at least .00187: above .001, not above .002."""
    told = load_policy("balanced")(replace(case_of(metric_result, BETTER, PASSED, FRESH), min_gain=least))
    assert told.outcome == outcome
    assert ("release.min_gain asks for" in told.reasons[0]) == (least > 0)
    first = replace(case_of(metric_result, BETTER, PASSED, FIRST), min_gain=least)
    assert load_policy("balanced")(first).outcome == "first"
    if outcome == "undecided":
        assert "not shown to be better than the champion by more than the 0.00200" in told.reasons[0]


@given(st.floats(-0.01, 0.01), st.floats(1e-4, 0.01), st.sampled_from([4.0, 8.0]), st.sampled_from(POLICIES))
def test_the_bound_that_is_shown_is_the_one_that_was_tested(gain: float, se: float, df: float, policy: str) -> None:
    primary = primary_of(gain, se, df=df)
    ruling = load_policy(policy)(Case(primary, PASSED, rows=27_004, clusters=28, **FRESH))
    bound = gain_bound(primary, ruling.tested_at)
    assert bound is not None and primary.p_value is not None
    if abs(bound) > 1e-9:
        assert (bound > 0) == (primary.p_value < ruling.tested_at)
    assert f"at least {change(bound)} at {percent(ruling.tested_at)}" in ruling.reasons[0] or "blend" in policy


def test_what_a_person_decides_at_a_look_has_erred_at_that_look_only(metric_result: Make) -> None:
    case = replace(case_of(metric_result, BETTER * 5, PASSED, FRESH), looks=(0.1,))
    held, released = load_policy("hold")(case), load_policy("balanced")(case)
    assert (held.outcome, released.outcome) == ("held", "release")
    assert (held.alpha, held.level) == (released.alpha, released.level) == (pytest.approx(0.005), pytest.approx(0.005))


def test_a_champion_without_skill_has_no_margin(metric_result: Make) -> None:
    told = balanced(metric_result, ALIKE, **DUE_AND_COLLAPSED).reasons[1]
    assert "no better than the base rate, so only a proven gain replaces it" in told


@pytest.mark.parametrize(("days", "outcome"), [(89.99, "undecided"), (90.0, "release")])
def test_a_refresh_is_due_on_the_day(metric_result: Make, days: float, outcome: str) -> None:
    assert balanced(metric_result, ALIKE, days_since_release=days).outcome == outcome


def test_a_guard_that_stopped_it_is_among_the_reasons(metric_result: Make) -> None:
    assert balanced(metric_result, BETTER, BLOCKED).reasons[1:] == BLOCKED.sentences
    assert balanced(metric_result, BETTER, UNDECIDED).reasons[1:] == UNDECIDED.sentences


def test_an_undecided_guard_is_reported_for_a_first_model(metric_result: Make) -> None:
    told = load_policy("balanced")(case_of(metric_result, BETTER, UNDECIDED, FIRST))
    assert told.reasons[1:] == UNDECIDED.sentences
    assert "the naive baseline 0.40000" in told.reasons[0]


def test_holding_states_that_a_person_decides(metric_result: Make) -> None:
    told = load_policy("hold")(case_of(metric_result, BETTER, PASSED, FRESH))
    assert told.reasons[-1] == "The policy is hold: a person decides whether it is released."


def test_a_stricter_level_releases_less(metric_result: Make) -> None:
    """t = 4 with 4 df has p = .008: enough at 5 %, not at .05/12."""
    case = case_of(metric_result, BETTER, PASSED, FRESH)
    assert load_policy("balanced")(replace(case, alpha=0.05 / 12)).outcome == "undecided"
