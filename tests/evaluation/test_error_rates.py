"""What the interval is for: how often two equal models are called different by mistake."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.ewc import ewc

DAYS, REPETITIONS = 30, 2_000


def autocorrelated_days(rho: float, seed: int) -> FloatArray:
    """Daily differences of mean 0, shape (REPETITIONS, DAYS), each day leaning on the last."""
    rng = np.random.default_rng(seed)
    days = rng.normal(size=(REPETITIONS, DAYS))
    for day in range(1, DAYS):
        days[:, day] = rho * days[:, day - 1] + (1 - rho**2) ** 0.5 * days[:, day]
    return days


def share_released(days: FloatArray, counts: FloatArray) -> tuple[float, float]:
    """How often EWC and the day t find a gain at one-sided 5 %."""
    sizes = counts.astype(np.int64)
    hits = np.zeros(2)
    for day in days:
        gain = float((day * sizes).sum() / sizes.sum())
        sums = (day - gain) * sizes
        for k, method in enumerate((ewc, day_t)):
            found = method(gain, sums, sizes)
            assert found is not None
            hits[k] += found.p_value < 0.05
    return hits[0] / len(days), hits[1] / len(days)


@pytest.mark.parametrize(
    ("rho", "ewc_band", "day_t_band"),
    [(0.0, (0.04, 0.06), (0.04, 0.06)), (0.5, (0.045, 0.08), (0.15, 0.20))],
)
def test_equal_models_are_rarely_called_different_even_if_neighbouring_days_are_correlated(
    rho: float, ewc_band: tuple[float, float], day_t_band: tuple[float, float]
) -> None:
    by_ewc, by_day_t = share_released(autocorrelated_days(rho, seed=11), np.full(DAYS, 100))
    assert ewc_band[0] <= by_ewc <= ewc_band[1]
    assert day_t_band[0] <= by_day_t <= day_t_band[1]


def test_days_of_very_different_size_do_not_raise_the_error() -> None:
    """Days of 10 to 10,000 rows. Without the correction for sizes 6–13 % would pass."""
    sizes = np.round(np.geomspace(10, 10_000, DAYS))[np.random.default_rng(5).permutation(DAYS)]
    by_ewc, _ = share_released(autocorrelated_days(0.0, seed=12), sizes)
    assert 0.015 <= by_ewc <= 0.06


def test_a_true_gain_is_found() -> None:
    """A gain of 2.8 standard errors: 74 of 100 by simulation of EWC with 4 cosines."""
    by_ewc, _ = share_released(autocorrelated_days(0.0, seed=13) + 2.8 / DAYS**0.5, np.full(DAYS, 100))
    assert 0.70 <= by_ewc <= 0.78
