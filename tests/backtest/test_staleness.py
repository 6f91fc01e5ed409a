"""What age costs and which schedule is best, on costs that are known exactly but for noise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from perennial.backtest.staleness import EVERY, Staleness, break_even, staleness
from perennial.backtest.stream import Model

BATCHES = 60


def measured(drift: float, price: float = 0.0, *, noise: float = 0.0, seed: int = 0, batches: int = BATCHES) -> Any:
    """A stream on which each batch of age costs `drift` more; the batches themselves differ a lot."""
    random = np.random.default_rng(seed)
    of_batch, of_model = random.normal(0, 5, batches), random.normal(0, noise, (batches, batches))
    models = {Model("all", t): True for t in range(batches)}
    stream: Any = SimpleNamespace(moments=batches, models=models, best_window=lambda window, t: window)

    def cost(model: Model, t: int) -> float:
        return float(of_batch[t] + drift * (t - 1 - model.moment) + of_model[model.moment, t])

    return staleness(stream, "all", cost, price)


def test_an_age_costs_what_it_does_above_the_newest_model_on_the_same_batch() -> None:
    made = measured(0.5)
    assert [round(age.cost.value, 9) for age in made.ages] == [0.5 * age.batches for age in made.ages]
    every = {each.every: each.stale.value for each in made.schedules}
    assert every == pytest.approx({1: 0.0, 2: 0.25, 3: 0.5, 6: 1.25, 12: 2.75, None: every[None]})
    assert made.growth.value == pytest.approx(0.5)
    assert every[None] > 15, "the first model is dozens of batches old"


@pytest.mark.parametrize(("price", "best"), [(0.0, 1), (0.3, 1), (0.6, 2), (2.0, 3), (9.0, 6), (40.0, 12)])
def test_the_best_schedule_weighs_age_against_the_price_of_a_retraining(price: float, best: int) -> None:
    """Serving ages 0 to k − 1 equally often costs drift · (k − 1)/2 per batch, and retraining costs price/k."""
    made = measured(0.5, price)
    totals = {k: 0.5 * (k - 1) / 2 + price / k for k in EVERY}
    assert best == min(totals, key=lambda k: totals[k]) == made.best.every
    assert made.best.total.value == pytest.approx(totals[best])
    once, later = made.schedules[0], made.schedules[2]
    assert break_even(once, later) == pytest.approx(0.5 * 1 / (1 - 1 / 3))


def test_without_drift_no_retraining_is_worth_its_price() -> None:
    made = measured(0.0, 0.5, noise=0.3)
    assert made.best.every is None
    assert made.schedules[0].is_proven_dearer, "a retraining after each batch costs .5 a batch, and brings nothing"
    assert min(made.schedules, key=lambda each: each.total.value) is made.best


def test_the_cost_of_the_true_optimum_lies_in_the_interval_for_nine_of_ten_streams() -> None:
    def covers(made: Staleness) -> bool:
        truth = {k: 0.5 * (k - 1) / 2 + 2.0 / k for k in EVERY}
        optimum = next(each for each in made.schedules if each.every == min(truth, key=lambda k: truth[k]))
        low, high = optimum.total.low, optimum.total.high
        return low is not None and high is not None and low <= truth[optimum.every or 0] <= high

    assert sum(covers(measured(0.5, 2.0, noise=2.0, seed=seed)) for seed in range(50)) >= 45


def test_what_is_not_proven_yet_needs_more_batches() -> None:
    made = measured(0.05, noise=1.0, seed=3)
    unsure = [each for each in made.schedules if each.above_best is not None and not each.is_proven_dearer]
    assert unsure and all(each.more is None or each.more > 0 for each in unsure)
    assert measured(0.5, batches=4) is None, "too few batches to compare two schedules"
