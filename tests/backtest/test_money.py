"""The clairvoyant against every path there is, and what lives earn beside it."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.backtest.clairvoyant import cheapest_path
from perennial.backtest.lives import NEVER, Lived
from perennial.backtest.money import Earnings, earnings, hindsight
from perennial.backtest.stream import Mixture, Stream
from tests.backtest.test_lives import MONTHS, live_as, stream


def cost_of(path: tuple[int, ...], costs: np.ndarray, price: float) -> float:
    changes = sum(now != then for then, now in pairwise(path))
    return float(costs[list(path), np.arange(costs.shape[1])].sum() + price * changes)


@given(st.data())
def test_no_path_is_cheaper_than_the_clairvoyants(data: st.DataObject) -> None:
    models, batches = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
    cell = st.one_of(st.integers(-9, 9).map(float), st.just(float("inf")))
    costs = np.array(
        data.draw(st.lists(st.lists(cell, min_size=batches, max_size=batches), min_size=models, max_size=models))
    )
    costs[0] = np.where(np.isinf(costs[0]), 9.0, costs[0])  # each batch has a model
    price = data.draw(st.sampled_from([0.0, 0.5, 3.0, 100.0]))
    path = cheapest_path(costs, price)
    assert cost_of(path, costs, price) == min(
        cost_of(each, costs, price) for each in product(range(models), repeat=batches)
    )


COMPARED = list(range(2, MONTHS))


def earned(on: Stream, life: Lived, price: float) -> tuple[Earnings, float]:
    """In points of log loss per batch."""

    def value(now: Mixture, t: int) -> float:
        return -100 * on.loss(now, t)

    beside = hindsight(on, live_as(on, refresh_after=1e9), value, COMPARED, price)
    values = np.array([value(life.served[t], t) for t in COMPARED])
    return earnings(values, life, COMPARED, np.arange(len(COMPARED)), beside), beside.clairvoyant


def test_a_life_earns_less_than_the_clairvoyant_and_pays_for_its_retrainings() -> None:
    on = stream(turns=(4,))
    balanced = live_as(on, refresh_after=1e9)
    free, best = earned(on, balanced, 0.0)
    priced, _ = earned(on, balanced, 2.0)
    assert free.net.value < best and free.share is not None and 0 < free.share < 1
    assert free.retrainings == len([t for t in balanced.trained if t >= COMPARED[0]]) > 0
    assert free.net.value - priced.net.value == pytest.approx(2.0 * free.retrainings)
    at_its_price, _ = earned(on, balanced, free.break_even or 0.0)
    never, _ = earned(on, live_as(on, policy=NEVER), 0.0)
    assert at_its_price.net.value == pytest.approx(never.net.value), "as much as never retraining"
    assert (never.retrainings, never.break_even, never.share) == (0, None, 0.0)
