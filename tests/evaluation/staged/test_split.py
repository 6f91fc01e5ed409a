"""The two arms: whether labels depend on the model that decided, and what a key is worth in each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.evaluation.staged.evidence import Evidence, Feedback, Labelled, Stage, Values
from perennial.evaluation.staged.looks import Due
from perennial.evaluation.staged.results import Finding, Look
from perennial.evaluation.staged.split import feedback, value_of_arms
from perennial.evaluation.staged.verdict import look_at
from tests.evaluation.staged.streams import ANSWERED, METRICS, arms, days_of, stage, values

LAST = Due(1.0, (1.0,))
NOISE = np.random.default_rng(3).normal(0, 1, 28)


def of_check(look: Look, check: str) -> Finding:
    return next(finding for finding in look.findings if finding.check == check)


def with_labels(labelled: Labelled) -> Look:
    return look_at(replace(stage(days_of(NOISE - NOISE.mean()), day=28), labelled=labelled))


def test_labels_that_agree_in_both_arms_allow_the_paired_comparison() -> None:
    look = with_labels(arms(1, share=0.1))
    assert (of_check(look, "feedback").verdict, of_check(look, "mae").verdict) == ("passed", "passed")
    assert look.verdict == "advance"


@pytest.mark.parametrize(
    "labelled", [arms(1, accepts=0.1), arms(1, moves=0.1)], ids=["which rows get one", "which label"]
)
def test_a_decision_that_changes_the_labels_refuses_the_paired_comparison(labelled: Labelled) -> None:
    look = with_labels(labelled)
    assert "decision changes the labels" in of_check(look, "feedback").sentence
    assert of_check(look, "mae").verdict == "not_decidable"
    assert (look.verdict, look.information) == ("not_decidable", None)
    assert "declare feedback: labels or outcome" in look.reason


def test_arms_that_are_alike_rarely_refuse_the_comparison() -> None:
    refused = sum(feedback(arms(seed, share=0.1), LAST).verdict != "passed" for seed in range(300))
    assert refused <= 12, "1 % of 300 are 3"


def test_few_days_of_labels_decide_nothing_about_feedback() -> None:
    assert feedback(arms(1, days=4), LAST).verdict == "not_decidable"
    assert feedback(arms(1, days=5), LAST).verdict == "passed"


def by_value(of: Values | None, *, feedback: Feedback = "outcome", stage: Stage = "canary", day: float = 28) -> Look:
    traffic = replace(
        ANSWERED, champion_records=5_000, candidate_records=5_000, champion_keys=5_000, candidate_keys=5_000
    )
    evidence = Evidence(stage, 0.5, feedback, 28, day, traffic, pairs=days_of(NOISE), metrics=METRICS, values=of)
    return look_at(evidence)


@pytest.mark.parametrize("declared", ["labels", "outcome"])
def test_with_feedback_only_the_split_counts(declared: Feedback) -> None:
    look = by_value(values(1), feedback=declared)
    assert of_check(look, "paired_comparison").verdict == "information"
    assert f"feedback is declared as {declared}" in of_check(look, "paired_comparison").sentence
    assert "mae" not in {finding.check for finding in look.findings}
    assert (of_check(look, "value").verdict, look.verdict, look.information) == ("passed", "advance", 1.0)


def test_a_candidate_that_earns_less_is_stopped_and_one_that_earns_more_advances() -> None:
    worse, better = by_value(values(1, loss=1.0)), by_value(values(1, loss=-1.0))
    assert (worse.verdict, better.verdict) == ("abort", "advance")
    assert "proven lower on 1,680 keys of 28 days" in worse.reason
    assert "proven higher" in of_check(better, "value").sentence


def test_the_difference_is_that_of_the_arms_and_its_error_that_of_random_keys() -> None:
    """Without effects of days, the error by days is close to that of independent keys, which Welch's formula gives."""
    random = np.random.default_rng(5)
    day = np.repeat(np.arange(300), 40)
    arm, worth = random.random(day.size) < 0.3, random.normal(5, 3, day.size)
    finding = value_of_arms(Values(worth, arm, day), LAST)
    welch = (worth[arm].var(ddof=1) / arm.sum() + worth[~arm].var(ddof=1) / (~arm).sum()) ** 0.5
    assert finding.estimate == pytest.approx(worth[arm].mean() - worth[~arm].mean())
    assert finding.estimate is not None and finding.statistic is not None
    assert -finding.estimate / finding.statistic == pytest.approx(welch, rel=0.35)


@given(st.permutations(range(10)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_keys_within_a_day_is_irrelevant(order: list[int]) -> None:
    one = values(2, keys=10)
    places = (np.arange(one.value.size).reshape(-1, 10)[:, order]).ravel()
    other = Values(one.value[places], one.candidate[places], one.clusters)
    assert value_of_arms(one, LAST).sums == pytest.approx(value_of_arms(other, LAST).sums)


def test_a_split_that_cannot_be_decided_does_not_advance() -> None:
    unknown = by_value(None)
    few = by_value(values(1, share=0.05))
    assert (unknown.verdict, few.verdict, few.information) == ("not_decidable", "not_decidable", None)
    assert "200 are needed" in few.reason
    assert by_value(None, day=3).verdict == "wait"


def test_in_a_shadow_stage_with_feedback_only_traffic_counts() -> None:
    look = by_value(None, stage="shadow")
    assert look.verdict == "advance"
    assert "value" not in {finding.check for finding in look.findings}


def test_arms_are_not_compared_if_they_are_not_split_as_declared() -> None:
    skewed = replace(ANSWERED, champion_keys=9_000, candidate_keys=700)
    look = look_at(Evidence("canary", 0.1, "outcome", 28, 28, skewed, values=values(1)))
    assert (look.verdict, of_check(look, "sample_ratio").verdict) == ("abort", "harm")
    assert "value" not in {finding.check for finding in look.findings}


def test_a_value_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="a key's value is missing or infinite"):
        Values(np.array([1.0, np.nan]), np.array([True, False]), np.array([0, 0]))
