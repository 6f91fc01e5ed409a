"""What it cost that nothing was released: counted over decisions, with its interval, and readable without a table."""

from __future__ import annotations

import pytest
from scipy import stats

from perennial.ledger.entries import Decision, Release
from perennial.release.planned_stages import full_release
from perennial.release.waited import waited, waited_in_words
from tests.evaluation.conftest import primary_of
from tests.release.payloads import challenger, decision


def made(number: int, gain: float | None, *, release_no: int = 1, again: bool = False) -> Decision:
    """A decision about challenger `number`, or about the one before once more."""
    plain = decision(f"d{number}", challenger(f"c{number - again}", number - again), release_no)
    return plain.model_copy(update={"metrics": (primary_of(0.0).model_copy(update={"gain": gain}),)})


@pytest.fixture(scope="module")
def live() -> Release:
    first = decision("d0", challenger("c0", 1), 0)
    return full_release(first, "d", 1, "2024-01-31T00:00:00Z", "It is better.")


GAINS = [0.02, -0.01, 0.03, 0.01]


def test_the_cost_is_the_mean_gain_of_the_newest_models_with_the_t_interval_over_decisions(live: Release) -> None:
    cost = waited([made(number, gain) for number, gain in enumerate(GAINS, start=2)], live)
    assert cost is not None and cost.interval is not None
    expected = stats.ttest_1samp(GAINS, 0).confidence_interval(0.95)
    assert cost.gain == pytest.approx(0.0125)
    assert (cost.interval.ci_low, cost.interval.ci_high) == pytest.approx((expected.low, expected.high))


def test_it_is_about_this_release_and_about_each_challenger_once(live: Release) -> None:
    earlier, last = made(2, 0.5, release_no=0), made(4, 0.04, again=True)
    cost = waited([earlier, made(3, 0.01), last], live)
    assert cost is not None and (cost.decisions, cost.gain) == (1, pytest.approx(0.04))
    assert waited([earlier], live) is None and waited_in_words([earlier], live) == ""
    assert waited([made(3, None)], live) is None, "nothing was measured"


def test_a_manager_reads_what_it_cost_and_how_sure_that_is(live: Release) -> None:
    few = waited_in_words([made(2, 0.02)], live)
    assert few == (
        "In 1 decision since release 1 (2024-01-31) nothing was released. What that costs is known from 3 of them on."
    )
    taken_away = live.model_copy(update={"release_no": 3, "kind": "abort", "as_of": "2024-05-01T00:00:00Z"})
    after = waited_in_words([made(2, 0.02), made(3, 0.02, release_no=3)], taken_away)
    assert after.startswith("In 1 decision since a candidate was taken away (2024-05-01) nothing was released. ")
    text = waited_in_words([made(number, gain) for number, gain in enumerate(GAINS, start=2)], live)
    assert text.startswith(
        "In 4 decisions since release 1 (2024-01-31) nothing was released. It is not proven that the newest model, "
        "always taken, would have been better or worse: gain +0.0125 log_loss on "
    )
    assert "rows (95 % interval -0.0" in text
    worse = waited_in_words([made(number, -0.02 - number / 1000) for number in range(2, 6)], live)
    assert "would have been worse: gain -0.0235 log_loss on " in worse and "not proven" not in worse
