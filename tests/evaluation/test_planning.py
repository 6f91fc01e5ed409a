"""How many days of labels are needed to detect a gain: the inverse of the smallest detectable gain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.evaluation.intervals.ewc import ewc
from perennial.evaluation.intervals.pooled import Inflation
from perennial.evaluation.planning import days_needed, smallest_gain, spread_of


@given(st.floats(0.08, 3.0), st.sampled_from([0.05, 0.05 / 16]), st.sampled_from([None, Inflation(1.5, 8)]))
def test_so_many_days_show_it_and_one_fewer_does_not(gain: float, alpha: float, seen: Inflation | None) -> None:
    days = days_needed(gain, 1.0, seen, alpha=alpha)
    assert days is not None and days >= 15
    assert smallest_gain(1.0, days, seen, alpha=alpha) <= gain
    assert days == 15 or smallest_gain(1.0, days - 1, seen, alpha=alpha) > gain


def test_beyond_ten_years_the_number_is_unknown() -> None:
    assert days_needed(0.0001, 1.0, None, alpha=0.05) is None


def test_the_days_that_it_names_find_the_gain_in_four_of_five_cases() -> None:
    gain, runs = 0.5, 2000
    days = days_needed(gain, 1.0, None, alpha=0.05)
    assert days is not None
    found = 0
    for x in gain + np.random.default_rng(5).normal(size=(runs, days)):
        told = ewc(x.mean(), x - x.mean(), np.ones(days, dtype=np.int64))
        assert told is not None
        found += told.p_value < 0.05
    assert 0.77 <= found / runs <= 0.86


def test_the_spread_of_a_day_is_found_again_whatever_the_number_of_days() -> None:
    random = np.random.default_rng(3)
    earlier = [
        (x - x.mean(), np.full(days, 1)) for days in (30, 60, 90, 30, 60, 90) for x in [random.normal(size=days)]
    ]
    told = spread_of([(2 * sums, counts) for sums, counts in earlier])
    assert told is not None and told.decisions == 6 and told.seen is not None
    assert told.a_day == pytest.approx(2.0 * told.seen.factor**0.5, rel=0.15)
    assert told.low < told.a_day < told.high
    assert spread_of([]) is None
