"""Clusters without an order: the jackknife over them, and a plain word where there are too few."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.evaluation.intervals.cv3 import cv3
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.judgement import Asked, GainSums, judge


def test_it_is_the_jackknife_that_leaves_each_cluster_out() -> None:
    draw = np.random.default_rng(0)
    counts = np.array([3, 5, 8, 13, 21, 34])
    site = np.repeat(np.arange(6), counts)
    gain = draw.normal(0.1, 1.0, site.size) + draw.normal(0, 0.5, 6)[site]
    mean = gain.mean()
    sums = np.bincount(site, gain - mean).astype(np.float64)
    without = np.array([gain[site != each].mean() for each in range(6)])
    by_hand = (5 / 6 * ((without - mean) ** 2).sum()) ** 0.5
    found = cv3(mean, sums, counts)
    assert found is not None
    assert (found.se, found.df) == (pytest.approx(by_hand), 5)


def test_with_clusters_of_one_size_it_is_the_usual_cluster_interval() -> None:
    sums, counts = np.array([-0.2, 0.1, 0.3, -0.3, 0.1]), np.full(5, 4)
    one, other = cv3(0.5, sums, counts), day_t(0.5, sums, counts)
    assert one is not None and other is not None
    assert one.se == pytest.approx(other.se)


@pytest.mark.parametrize(("clusters", "verdict"), [(1, "not_decidable"), (4, "not_decidable"), (5, "better")])
def test_fewer_than_five_decide_nothing(clusters: int, verdict: str) -> None:
    sums = np.linspace(-1, 1, clusters) if clusters > 1 else np.zeros(1)
    found = judge(
        Asked("log_loss", "primary"),
        GainSums(
            direction="lower",
            champion=0.5,
            challenger=0.3,
            sums=sums,
            counts=np.full(clusters, 100),
            sum_of_squares=1.0,
            cluster_by="site",
        ),
    )
    assert found.verdict == verdict
    assert ("5 are needed" in found.note) == (verdict == "not_decidable")
