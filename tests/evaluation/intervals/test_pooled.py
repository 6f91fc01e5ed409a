"""How alike neighbouring days are, learned from earlier decisions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.intervals.cluster_interval import cluster_interval
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.ewc import ewc
from perennial.evaluation.intervals.pooled import Inflation, inflation, pooled

X = np.array([0.3, -0.1, 0.4, 0.2, -0.3, 0.5, 0.1, 0.6, -0.2, 0.4, 0, 0.3, 0.2, -0.1, 0.5])
DAYS = np.ones(15, dtype=np.int64)


def centred(x: FloatArray) -> tuple[FloatArray, IntArray]:
    return x - x.mean(), np.ones(x.size, dtype=np.int64)


def autoregressive(rho: float, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
    """AR(1) along the last axis, of variance 1."""
    noise = random.normal(size=shape)
    found = noise.copy()
    for day in range(1, shape[-1]):
        found[..., day] = rho * found[..., day - 1] + (1 - rho**2) ** 0.5 * noise[..., day]
    return found


def test_days_that_are_not_alike_leave_the_day_t_with_fewer_degrees_of_freedom() -> None:
    seen = inflation([centred(X)] * 4)
    assert seen == Inflation(1.0, 4), "alternating days: what falls below 1 counts as 1"
    found = pooled(X.mean(), *centred(X), seen)
    assert found is not None and found.df == pytest.approx(1 / (1 / 14 + 1 / 16))
    assert X.mean() / found.se == pytest.approx(2.60616177700)
    assert found.p_value == pytest.approx(stats.t.sf(2.60616177700, found.df))


def test_the_factor_is_that_of_the_newest_twelve_together() -> None:
    random = np.random.default_rng(1)
    earlier = [centred(x) for x in autoregressive(0.7, (15, 30), random)]
    variances = [(ewc(0, *each).se ** 2, day_t(0, *each).se ** 2) for each in earlier[-12:]]  # type: ignore[union-attr]
    cosines, days = np.sum(variances, axis=0)
    seen = inflation(earlier)
    assert seen is not None and seen.decisions == 12
    assert seen.factor == pytest.approx(cosines / days) and seen.factor > 2


def test_what_shows_nothing_does_not_count() -> None:
    short, flat = centred(X[:14]), centred(np.zeros(30))
    assert inflation([centred(X)] * 3) is None
    assert inflation([*[centred(X)] * 3, short, flat]) is None, "14 days have no cosines, equal models no variance"
    assert inflation([*[centred(X)] * 4, short]) == Inflation(1.0, 4)


def test_too_few_days_are_too_few_whatever_was_seen_before() -> None:
    seen = Inflation(1.0, 12)
    assert cluster_interval(0.1, *centred(X[:14]), cluster_by="day", seen=seen) is None
    groups = cluster_interval(X.mean(), *centred(X), cluster_by="site", seen=seen)
    assert groups is not None and groups.df == 14, "groups have no neighbours"


@pytest.mark.parametrize(("rho", "most"), [(0.0, 0.065), (0.2, 0.07), (0.5, 0.085)])
def test_a_test_at_five_percent_errs_about_that_often(rho: float, most: float) -> None:
    random = np.random.default_rng(7)
    errs, naive, runs = 0, 0, 1500
    for streams in autoregressive(rho, (runs, 12, 30), random):
        seen = inflation([centred(x) for x in streams[:11]])
        assert seen is not None
        newest = streams[11]
        found, day = pooled(newest.mean(), *centred(newest), seen), day_t(newest.mean(), *centred(newest))
        assert found is not None and day is not None
        errs += found.p_value < 0.05
        naive += day.p_value < 0.05
    assert errs / runs <= most
    assert rho < 0.5 or naive / runs > 0.13, "days alone err far more often"
