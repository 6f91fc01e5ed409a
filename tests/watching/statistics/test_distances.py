"""Distances, bins, terms and thresholds, against values computed elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from perennial.watching.statistics.coarse import coarse_bins, spans, summed
from perennial.watching.statistics.day_blocks import thresholds
from perennial.watching.statistics.distances import jensen_shannon, psi, psis
from perennial.watching.statistics.grid import CategoryGrid, number_grid
from perennial.watching.statistics.terms import BinLoss, add_loss, no_loss, terms

THEN, NOW = np.array([50, 30, 20]), np.array([40, 30, 30])
COUNTS = st.lists(st.integers(0, 10_000), min_size=3, max_size=3)


def test_the_reference_values() -> None:
    assert psi(THEN, NOW) == pytest.approx(0.06088405513673145, abs=1e-15)
    assert jensen_shannon(THEN, NOW) == pytest.approx(0.10619851439230635, abs=1e-12)


@given(COUNTS, COUNTS)
def test_they_are_scipys(then: list[int], now: list[int]) -> None:
    p, q = np.array(then), np.array(now)
    smooth_p, smooth_q = (p + 0.5) / (p + 0.5).sum(), (q + 0.5) / (q + 0.5).sum()
    assert psi(p, q) == pytest.approx(entropy(smooth_p, smooth_q) + entropy(smooth_q, smooth_p), abs=1e-12)
    assert psis(p, np.stack([q, p])).tolist() == pytest.approx([psi(p, q), 0.0])
    if p.sum() and q.sum():
        assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)


def test_a_champions_bins_are_tenths_of_its_training_rows() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    grid = number_grid(values[:2_000])
    fine = np.bincount(grid.bins_of(values), minlength=grid.bins + 1)
    bins = coarse_bins(fine, grid)
    shares = summed(fine, bins) / values.size
    assert shares.size == 11 and shares[-1] == 0
    assert shares[:-1].min() > 0.05 and shares[:-1].max() < 0.15
    words = spans(bins, grid)
    assert words[0].startswith("below -1.") and words[-2].endswith("or more") and words[-1] == "missing"


def test_rare_and_unknown_categories_share_a_bin() -> None:
    grid = CategoryGrid(("AA", "UA", "rare"))
    fine = np.zeros(grid.bins + 1, dtype=np.int64)
    fine[:3] = 700, 299, 1
    bins = coarse_bins(fine, grid)
    assert spans(bins, grid) == ["other values", "AA", "UA", "missing"]
    fine[grid.bin_of("new")] = 500
    assert summed(fine, bins).tolist() == [501, 700, 299, 0]


def test_a_reference_without_any_value_has_bins_too() -> None:
    for grid in (number_grid(np.zeros(3)), CategoryGrid(("AA",))):
        none = np.zeros(grid.bins + 1, dtype=np.int64)
        assert len(spans(coarse_bins(none, grid), grid)) >= 2


def test_the_terms_add_up_to_the_change_of_the_loss() -> None:
    draw = np.random.default_rng(1)
    bins_then, bins_now = draw.integers(0, 5, 4_000), draw.choice(5, 3_000, p=[0.5, 0.2, 0.1, 0.1, 0.1])
    loss_then, loss_now = draw.gamma(1.0, 1 + bins_then), draw.gamma(1.2, 1 + bins_now)
    then, now = no_loss(5), no_loss(5)
    add_loss(then, bins_then, loss_then)
    add_loss(now, bins_now, loss_now)
    found = terms(then, now.rows, now)
    assert found is not None and found.concept is not None
    assert found.mix.sum() + found.concept.sum() == pytest.approx(loss_now.mean() - loss_then.mean())


def test_a_change_of_the_mix_alone_is_all_mix_and_one_of_the_concept_all_concept() -> None:
    then = BinLoss(np.array([500, 500]), np.array([100.0, 400.0]))
    mixed = BinLoss(np.array([200, 800]), np.array([40.0, 640.0]))
    found = terms(then, mixed.rows, mixed)
    assert found is not None and found.concept is not None
    assert found.mix.sum() == pytest.approx(0.18)
    assert found.concept.sum() == pytest.approx(0)
    worse = BinLoss(np.array([500, 500]), np.array([100.0, 500.0]))
    found = terms(then, worse.rows, worse)
    assert found is not None and found.concept is not None
    assert (found.mix.sum(), found.concept.sum()) == (pytest.approx(0), pytest.approx(0.1))
    unlabelled = terms(then, mixed.rows, None)
    assert unlabelled is not None and unlabelled.concept is None
    assert terms(BinLoss(np.zeros(2, dtype=np.int64), np.zeros(2)), mixed.rows, mixed) is None


def ordinary_days(days: int, seed: int) -> np.ndarray:
    """Rows of each day in ten bins; each day has its own weather, which lasts for some days."""
    draw = np.random.default_rng(seed)
    weather = np.zeros(days)
    for day in range(1, days):
        weather[day] = 0.7 * weather[day - 1] + draw.normal(0, 0.5)
    values = weather[:, None] + draw.normal(0, 1, size=(days, 200))
    edges = np.array([-1.3, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.3])
    return np.stack([np.bincount(np.searchsorted(edges, day), minlength=10) for day in values])


def test_an_ordinary_week_is_seldom_above_the_thresholds_and_often_above_the_usual_ones() -> None:
    above, usual = 0, 0
    for seed in range(60):
        history = [ordinary_days(127, seed * 100 + feature) for feature in range(5)]
        limits = thresholds([each[:120] for each in history], 7)
        assert limits is not None
        found = [psi(each[:120].sum(axis=0), each[120:].sum(axis=0)) for each in history]
        above += any(each > max(limit, 0.1) for each, limit in zip(found, limits, strict=True))
        usual += any(each > 0.1 for each in found)
    assert usual >= 30
    assert above <= 6


def test_too_few_days_give_no_threshold() -> None:
    assert thresholds([ordinary_days(27, 0)], 7) is None
    assert thresholds([], 7) is None
    assert thresholds([ordinary_days(60, 0)], 0) is None
