"""Figures printed beside an interval, for what no interval can correct."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.tsa.stattools import acf

from perennial.evaluation.intervals.dependence import autocorrelation, largest_cluster_share, skewness

SUMS = np.random.default_rng(4).gamma(2.0, size=30)


def test_autocorrelation_is_that_of_statsmodels() -> None:
    assert autocorrelation(SUMS) == pytest.approx(acf(SUMS, nlags=1)[1])


def test_skewness_is_that_of_scipy() -> None:
    assert skewness(SUMS) == pytest.approx(stats.skew(SUMS))


def test_one_day_that_carries_everything_shows() -> None:
    sums = np.full(20, -0.05)
    sums[7] = 0.95
    assert largest_cluster_share(sums) == pytest.approx(0.5)


@pytest.mark.parametrize("sums", [np.zeros(0), np.zeros(1), np.array([1.0, -1.0]), np.zeros(30)])
def test_too_little_is_unknown_not_zero(sums: np.ndarray) -> None:
    assert autocorrelation(sums) is None
    assert skewness(sums) is None


def test_no_spread_has_no_largest_day() -> None:
    assert largest_cluster_share(np.zeros(30)) is None
