"""What a stage will see is known before it starts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perennial.evaluation.planning import Spread
from perennial.evaluation.staged.plan import (
    KeyValues,
    days_for_loss,
    days_for_value,
    detectable_loss,
    detectable_value,
    events_until_stopped,
    key_values,
    last_level,
)

A_DAY = Spread(a_day=0.01, low=0.008, high=0.012, decisions=3, seen=None)
KEYS = KeyValues(deviation=10.0, a_day=500.0, keys=9_000)


def test_days_planned_for_a_loss_find_it_and_a_week_less_does_not() -> None:
    days = days_for_loss(A_DAY, 0.006)
    assert days is not None and days > 15
    after, before = detectable_loss(A_DAY, days), detectable_loss(A_DAY, days - 7)
    assert after is not None and before is not None
    assert after <= 0.006 < before
    assert days_for_loss(A_DAY, 1e-5) is None


def test_nothing_is_detectable_in_labels_under_fifteen_days() -> None:
    assert detectable_loss(A_DAY, 14) is None
    assert detectable_value(KEYS, 0.5, 14) is None


def test_an_even_split_needs_the_fewest_keys() -> None:
    even, tenth = detectable_value(KEYS, 0.5, 28), detectable_value(KEYS, 0.1, 28)
    assert even is not None and tenth is not None
    assert tenth / even == pytest.approx((0.25 / 0.09) ** 0.5)
    half, few = days_for_value(KEYS, 0.5, 0.8), days_for_value(KEYS, 0.1, 0.8)
    assert half is not None and few is not None and half < few


def test_the_planned_split_finds_the_loss_in_four_of_five_cases() -> None:
    """The power at the last look, from the noncentral t distribution."""
    loss = detectable_value(KEYS, 0.5, 28)
    assert loss is not None
    se, level = 10.0 * (4 / (500 * 28)) ** 0.5, last_level(28)
    assert stats.nct.sf(stats.t.isf(level, 4), 4, loss / se) == pytest.approx(0.8, abs=1e-6)


def test_history_gives_the_spread_of_a_key_with_its_sample_size() -> None:
    values = np.random.default_rng(1).normal(3.0, 10.0, 9_000)
    history = key_values(values, 18)
    assert history is not None
    assert (history.a_day, history.keys) == (500.0, 9_000)
    assert history.deviation == pytest.approx(10.0, rel=0.03)
    assert key_values(values[:1], 18) is None


def test_more_failures_are_found_after_fewer_of_them() -> None:
    needed = [events_until_stopped(times, 0.1) for times in (1.5, 2, 5, 50)]
    assert all(needed) and needed == sorted(needed, key=lambda n: -(n or 0))
    assert events_until_stopped(1.0001, 0.5) is None
