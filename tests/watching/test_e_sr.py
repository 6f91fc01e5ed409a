"""The statistic of the gap channel, against the values of its prototype."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.watching.e_sr import alarm_days, bets, spread

REFERENCE = np.tile([-0.1, 0.1], 14)
STREAM = np.tile([-0.1, 0.1], 100)


def test_the_spread_of_the_reference() -> None:
    assert spread(REFERENCE) == 0.10183501544346313


@pytest.mark.parametrize(("shift", "alarms"), [(0.0, []), (0.05, [71, 143]), (0.1, [43, 87, 131, 175])])
def test_alarms_of_the_prototype(shift: float, alarms: list[int]) -> None:
    assert alarm_days(STREAM + shift, sd=spread(REFERENCE)) == alarms


def test_a_mean_up_to_epsilon_is_no_alarm() -> None:
    assert alarm_days(STREAM + 0.05, sd=spread(REFERENCE), epsilon=0.05) == []


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.integers(0, 39))
def test_no_bet_depends_on_its_own_day_or_a_later_one(days: list[float], at: int) -> None:
    at = min(at, len(days) - 1)
    other = [*days[:at], *(-value + 1 for value in days[at:])]
    assert np.array_equal(bets(np.array(days), sd=1.0)[1][: at + 1], bets(np.array(other), sd=1.0)[1][: at + 1])


def test_independent_days_ring_at_most_about_once_a_year() -> None:
    """The bound of the theorem, on 400 years of days without a change; its standard error is about 0.05."""
    draw = np.random.default_rng(0)
    days = draw.normal(0, 1, 400 * 365)
    assert len(alarm_days(days, sd=1.0)) / 400 <= 1.0
