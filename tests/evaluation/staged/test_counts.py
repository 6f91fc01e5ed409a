"""Counts are tested after every event: the evidence, its bound, and what it is computed from."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from perennial.evaluation.staged.counts import OF_EVENTS, OF_KEYS, count_tests, log_e_value, range_of_share
from perennial.evaluation.staged.evidence import Evidence, Traffic

EVENTS = st.integers(0, 300)
SHARES = st.sampled_from([0.01, 0.1, 0.5, 0.9])


@pytest.mark.parametrize(("candidate", "champion", "expected"), [(12, 3, 0.5), (30, 110, 0.1), (1, 40, 0.1)])
def test_the_e_value_is_the_likelihood_under_the_mixture_over_that_under_equal_rates(
    candidate: int, champion: int, expected: float
) -> None:
    prior = stats.beta(OF_EVENTS * expected, OF_EVENTS * (1 - expected))
    binomial = lambda share: stats.binom.pmf(candidate, candidate + champion, share)  # noqa: E731
    mixed, _ = integrate.quad(lambda share: prior.pdf(share) * binomial(share), expected, 1, epsabs=0, limit=200)
    reference = log(mixed / prior.sf(expected) / binomial(expected))
    assert log_e_value(candidate, champion, expected, k=OF_EVENTS) == pytest.approx(reference, rel=1e-6)


def test_the_two_sided_e_value_is_the_dirichlet_multinomial_over_the_multinomial() -> None:
    """Lindon & Malek's test of the sample ratio, with their concentration of 100 times the declared shares."""
    shares = np.array([0.1, 0.9])
    for keys in ((20, 80), (1_000, 9_000), (1_200, 8_800)):
        both = stats.dirichlet_multinomial(100 * shares, sum(keys)).logpmf(keys)
        reference = both - stats.multinomial(sum(keys), shares).logpmf(keys)
        assert log_e_value(keys[0], keys[1], 0.1, k=OF_KEYS, harm_only=False) == pytest.approx(
            reference, rel=1e-6, abs=1e-8
        )


@pytest.mark.parametrize(("expected", "true"), [(0.5, 0.5), (0.1, 0.1), (0.5, 0.2)])
def test_one_more_event_multiplies_the_evidence_by_one_on_average_or_less(expected: float, true: float) -> None:
    """What makes it valid after every event, wherever it stands."""
    for candidate, champion in ((0, 0), (3, 0), (5, 40), (200, 150)):
        now, worse, better = (
            np.exp(log_e_value(candidate + a, champion + b, expected, k=OF_EVENTS)) for a, b in ((0, 0), (1, 0), (0, 1))
        )
        mean = true * worse + (1 - true) * better
        assert mean == pytest.approx(now, rel=1e-9) if true == expected else mean <= now


def test_equal_models_are_rarely_stopped_however_often_one_looks() -> None:
    random = np.random.default_rng(7)
    candidate = (random.random((400, 150)) < 0.5).cumsum(axis=1)
    bounds = [
        next(c for c in range(n // 2, n + 2) if c > n or log_e_value(c, n - c, 0.5, k=OF_EVENTS) >= log(20))
        for n in range(1, 151)
    ]
    assert (candidate >= np.array(bounds)).any(axis=1).mean() < 0.07


@given(EVENTS, EVENTS, SHARES)
@settings(max_examples=60, deadline=None)
def test_more_failures_of_the_candidate_never_weaken_the_evidence(candidate: int, champion: int, share: float) -> None:
    now = log_e_value(candidate, champion, share, k=OF_EVENTS)
    assert log_e_value(candidate + 1, champion, share, k=OF_EVENTS) >= now
    assert log_e_value(candidate, champion + 1, share, k=OF_EVENTS) <= now


@given(EVENTS, EVENTS, SHARES)
@settings(max_examples=40, deadline=None)
def test_the_interval_holds_the_estimate_and_leaves_out_what_the_evidence_rejects(
    candidate: int, champion: int, share: float
) -> None:
    low, high = range_of_share(candidate, champion, share, k=OF_KEYS)
    rejected = log_e_value(candidate, champion, share, k=OF_KEYS, harm_only=False) >= log(20)
    assert 0 <= low <= high <= 1
    assert rejected == (not low <= share <= high)
    if candidate + champion:
        assert low <= candidate / (candidate + champion) <= high


PAIRED = Traffic(champion_records=9_000, candidate_records=1_000, champion_keys=9_000, candidate_keys=1_000)
PAIRED = replace(PAIRED, champion_asked=10_000, candidate_asked=10_000, both_scored=10_000)


def canary(traffic: Traffic) -> dict[str, tuple[str, str]]:
    evidence = Evidence("canary", 0.1, "none", 7, 1, traffic)
    return {finding.check: (finding.verdict, finding.sentence) for finding in count_tests(evidence)}


def test_a_candidate_that_fails_where_the_champion_answers_is_stopped_after_a_few_records() -> None:
    assert canary(replace(PAIRED, candidate_failed=2))["failures"][0] == "passed"
    verdict, sentence = canary(replace(PAIRED, candidate_failed=9))["failures"]
    assert verdict == "harm"
    assert "9 of 10,000 records by the candidate, 0 of 10,000 by the champion" in sentence


def test_as_many_failures_of_the_champion_are_no_harm() -> None:
    assert canary(replace(PAIRED, candidate_failed=300, champion_failed=290))["failures"][0] == "passed"
    assert canary(replace(PAIRED, champion_failed=300))["failures"][0] == "passed"


def test_failures_are_compared_by_how_often_each_model_was_asked() -> None:
    """A candidate that is asked for a tenth of the records is expected to have a tenth of the failures."""
    asked = replace(PAIRED, champion_asked=9_000, candidate_asked=1_000, both_scored=0)
    assert canary(replace(asked, candidate_failed=10, champion_failed=90))["failures"][0] == "passed"
    assert canary(replace(asked, candidate_failed=60, champion_failed=90))["failures"][0] == "harm"


def test_slow_answers_are_compared_only_above_a_declared_limit() -> None:
    assert "slow_answers" not in canary(replace(PAIRED, candidate_slow=400))
    limited = replace(PAIRED, candidate_slow=400, champion_slow=100, slow_ms=50.0)
    verdict, sentence = canary(limited)["slow_answers"]
    assert (verdict, "longer than 50 ms" in sentence) == ("harm", True)


def test_arms_that_are_not_split_as_declared_are_stopped() -> None:
    assert canary(PAIRED)["sample_ratio"][0] == "passed"
    verdict, sentence = canary(replace(PAIRED, candidate_keys=800))["sample_ratio"]
    assert verdict == "harm"
    assert "the arms are not split as declared" in sentence


def test_nothing_asked_is_not_decidable() -> None:
    assert {verdict for verdict, _ in canary(Traffic(slow_ms=50.0)).values()} == {"not_decidable"}
    assert canary(PAIRED)["failures"][1].endswith("a rate above 0.03 % is excluded at 95 %.")
