"""Several looks at one challenger err together as one look would."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from perennial.evaluation.patience import nominal_level
from perennial.evaluation.policies import load_policy
from tests.evaluation.test_policies import BETTER, PASSED, Make, case_of


def test_two_looks_are_those_of_the_bivariate_normal() -> None:
    first = stats.norm.isf(0.02)
    pair = stats.multivariate_normal([0, 0], [[1, 0.4**0.5], [0.4**0.5, 1]])
    second = optimize.brentq(lambda z: 1 - pair.cdf([first, z]) - 0.05, 1, 4)
    assert nominal_level(0.05, [0.4]) == pytest.approx(0.02)
    assert nominal_level(0.05, [0.4, 1.0]) == pytest.approx(stats.norm.sf(second), abs=2e-4)


def test_four_looks_err_together_at_five_percent() -> None:
    looks = [0.25, 0.5, 0.75, 1.0]
    levels = [nominal_level(0.05, looks[: k + 1]) for k in range(4)]
    steps = np.random.default_rng(1).normal(0, 0.5, (200_000, 4)).cumsum(axis=1) / np.sqrt(looks)
    wrong = (stats.norm.sf(steps) < levels).any(axis=1).mean()
    assert wrong == pytest.approx(0.05, abs=0.002)
    assert levels == sorted(levels)
    assert sum(levels) > 0.05, "Bonferroni's would be less"


def test_a_second_look_on_the_same_day_has_nothing_to_spend() -> None:
    assert nominal_level(0.05, [0.5, 0.5]) == 0.0
    assert nominal_level(0.05, [1.0, 1.0]) == 0.0


@pytest.mark.parametrize("looks", [[], [0.0], [0.5, 0.4], [0.5, 1.1]])
def test_looks_that_cannot_be_are_refused(looks: list[float]) -> None:
    with pytest.raises(ValueError, match="ascending shares of the patience"):
        nominal_level(0.05, looks)


def test_an_early_look_requires_more_and_states_it(metric_result: Make) -> None:
    """p is .008: enough for one look at 5 %, too little where a tenth of the patience has passed."""

    def ruled(*looks: float) -> tuple[str, float]:
        age = {"looks": looks, "days_since_release": 3.0}
        ruling = load_policy("balanced")(case_of(metric_result, BETTER, PASSED, age))
        told["reasons"] = " ".join(ruling.reasons)
        return ruling.outcome, ruling.alpha

    told: dict[str, str] = {}
    assert ruled() == ("release", 0.05)
    assert ruled(0.1) == ("undecided", pytest.approx(0.005))
    assert "Look 1 at this challenger, 10 % of its patience: proven at 0.5 %" in told["reasons"]
    assert "where undecided, it waits for more days." in told["reasons"]
    assert ruled(0.1, 1.0) == ("release", pytest.approx(0.045))
