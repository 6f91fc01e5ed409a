"""The intervals against published numbers, other packages and each other."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import fft, optimize, stats

from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.ewc import ewc, frequencies_for
from perennial.evaluation.intervals.mde import MIN_CLUSTERS, minimal_detectable_effect
from perennial.evaluation.intervals.mde_range import range_of_mde
from perennial.evaluation.intervals.row_t import row_t
from perennial.evaluation.intervals.student_t import p_at_most, student_t

X = np.array([0.3, -0.1, 0.4, 0.2, -0.3, 0.5, 0.1, 0.6, -0.2, 0.4, 0, 0.3, 0.2, -0.1, 0.5])
ONE_EACH = np.ones(15, dtype=np.int64)
V = np.array([0.5, -0.1, 0.3, 0.2, 0.4, -0.2, 0.1, 0.6, 0.3, -0.1, 0.2, 0.4])
V_COUNTS = np.array([1, 2, 3, 6])
V_DAY = np.repeat(np.arange(4), V_COUNTS)


def test_ewc_of_the_reference_series() -> None:
    """SE, t and p computed with scipy's orthonormal DCT."""
    found = ewc(X.mean(), X - X.mean(), ONE_EACH)
    assert found is not None
    assert found.df == 4
    assert found.se == pytest.approx(0.0283381922946, abs=1e-12)
    assert X.mean() / found.se == pytest.approx(6.58710565325, abs=1e-9)
    assert found.p_value == pytest.approx(0.00137529714875, abs=1e-10)
    half = stats.t.ppf(0.975, 4) * found.se
    assert (found.ci_low, found.ci_high) == pytest.approx((X.mean() - half, X.mean() + half))


def test_day_t_of_the_reference_series() -> None:
    found = day_t(X.mean(), X - X.mean(), ONE_EACH)
    assert found is not None
    assert X.mean() / found.se == pytest.approx(2.60616177700, abs=1e-9)
    assert found.p_value == pytest.approx(0.0103636092, abs=1e-9)


def test_ewc_of_days_of_1_2_3_and_6_rows() -> None:
    sums = np.bincount(V_DAY, weights=V - V.mean()).astype(np.float64)
    found = ewc(V.mean(), sums, V_COUNTS, frequencies=3)
    assert found is not None
    assert found.se == pytest.approx(0.0569898223, abs=1e-10)
    assert found.df == pytest.approx(1.73278634, abs=1e-8)


def test_day_t_is_the_cluster_robust_error_of_statsmodels() -> None:
    sums = np.bincount(V_DAY, weights=V - V.mean()).astype(np.float64)
    found = day_t(V.mean(), sums, V_COUNTS)
    theirs = sm.OLS(V, np.ones(12)).fit(cov_type="cluster", cov_kwds={"groups": V_DAY})
    assert found is not None
    assert found.se == pytest.approx(0.0468668546, abs=1e-10)
    assert found.se == pytest.approx(float(theirs.bse[0]), abs=1e-12)


def test_row_t_is_the_one_sample_t_test() -> None:
    found = row_t(V.mean(), float(((V - V.mean()) ** 2).sum()), V.size)
    theirs = stats.ttest_1samp(V, 0, alternative="greater")
    assert found is not None
    assert (found.p_value, found.df) == pytest.approx((theirs.pvalue, theirs.df))


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=40), st.integers(1, 50))
def test_all_cosines_together_are_the_day_t(values: list[float], rows_a_day: int) -> None:
    x = np.array(values)
    sums = (x - x.mean()) * rows_a_day
    counts = np.full(x.size, rows_a_day)
    cosine, usual = ewc(x.mean(), sums, counts, frequencies=x.size - 1), day_t(x.mean(), sums, counts)
    assert cosine is not None
    assert usual is not None
    assert cosine.df == usual.df
    assert cosine.se == pytest.approx(usual.se, rel=1e-9, abs=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=15, max_size=60))
def test_ewc_of_equal_days_is_the_mean_of_squared_dct_coefficients(values: list[float]) -> None:
    x = np.array(values)
    used = frequencies_for(x.size)
    found = ewc(x.mean(), x - x.mean(), np.ones(x.size, dtype=np.int64))
    variance = (fft.dct(x, norm="ortho")[1 : used + 1] ** 2).mean() / x.size
    assert found is not None
    assert found.se == pytest.approx(float(variance) ** 0.5, abs=1e-12)


def test_days_of_nearly_equal_size_give_nearly_the_same() -> None:
    """The correction for sizes fades in; nothing jumps where days become equal."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=30)
    equal = ewc(0.1, x - x.mean(), np.full(30, 100_000))
    nearly = ewc(0.1, x - x.mean(), 100_000 + rng.integers(0, 2, size=30))
    assert equal is not None
    assert nearly is not None
    assert nearly.se == pytest.approx(equal.se, rel=1e-4)
    assert nearly.df == pytest.approx(4, abs=1e-3)


def test_under_fifteen_clusters_there_is_no_interval() -> None:
    assert ewc(0.1, np.zeros(14), np.ones(14, dtype=np.int64)) is None
    assert ewc(0.1, np.zeros(15), np.ones(15, dtype=np.int64)) is not None


@given(st.integers(MIN_CLUSTERS, 2_000))
def test_the_weekly_cycle_lies_beyond_the_frequencies_used(clusters: int) -> None:
    assert 4 <= frequencies_for(clusters) < 2 * clusters / 7


@pytest.mark.parametrize("frequencies", [0, 15])
def test_impossible_frequencies_are_refused(frequencies: int) -> None:
    with pytest.raises(ValueError, match="at least 1 and fewer than the clusters"):
        ewc(0.1, X, ONE_EACH, frequencies=frequencies)


def test_without_spread_the_sign_decides() -> None:
    assert [student_t(gain, 0.0, 4).p_value for gain in (-0.1, 0.0, 0.1)] == [1.0, 0.5, 0.0]


@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(1, 200), st.floats(-1, 1))
def test_p_values_are_those_of_scipy(estimate: float, se: float, df: float, bound: float) -> None:
    assert p_at_most(estimate, se, df, bound) == pytest.approx(stats.t.sf((estimate - bound) / se, df), abs=1e-12)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [(0.05, (3.040, 2.822, 2.727, 2.547)), (0.05 / 12, (6.170, 4.943, 4.475, 3.704))],
)
def test_smallest_visible_gain_of_the_noncentral_t(alpha: float, expected: tuple[float, ...]) -> None:
    for df, delta in zip((4, 6, 8, 29), expected, strict=True):
        found = minimal_detectable_effect(0.5, df, alpha=alpha)
        assert found == pytest.approx(delta / 2, abs=5e-4)
        critical = stats.t.ppf(1 - alpha, df)
        exact = optimize.brentq(lambda d, df=df, c=critical: stats.nct.sf(c, df, d) - 0.8, 0.1, 20)
        assert found == pytest.approx(exact / 2, rel=1e-6)


@given(st.floats(1, 60) | st.floats(200, 5_000))
def test_range_of_the_smallest_visible_gain_is_a_chi_square(df: float) -> None:
    expected = [(stats.chi2.ppf(q, df) / df) ** 0.5 for q in (0.05, 0.95)]
    assert range_of_mde(1.0, df) == pytest.approx(expected, abs=1e-6)
