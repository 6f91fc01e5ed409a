"""What a model costs with age, and which schedule of retraining costs least.

The models that a history already has are scored on every later batch, so the cost of an age is measured and not
modelled: by how much a model that is that many batches old does worse than the newest one on the same batch. A schedule
that retrains every k batches serves each age from 0 to k − 1 equally often. Weighing this cost against that of a
retraining follows Mahadevan & Mathioudakis (2024), Cost-Aware Retraining for Machine Learning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perennial.backtest.amount import Amount, amount
from perennial.backtest.stream import Model, Stream
from perennial.evaluation.arrays import FloatArray, IntArray

EVERY = (1, 2, 3, 6, 12)
"""Batches from one retraining to the next."""
FEWEST_PERIODS = 3
"""Of a schedule: with fewer, its cost has no interval worth showing."""
FEWEST_MOMENTS = (FEWEST_PERIODS + 1) * EVERY[1]
"""With fewer, only the most frequent schedule has its periods: the longer one needs a model of each age first."""
MOST_MORE = 240
"""Further batches beyond which nothing is promised."""

Cost = Callable[[Model, int], float]
"""What a model costs on the batch of a moment: its loss, or what it earns less. NaN if unknown."""


@dataclass(frozen=True)
class Age:
    """batches: how old a model is, 0 for the newest. cost: above the newest model's, per batch. seen: batches."""

    batches: int
    cost: Amount
    seen: int


@dataclass(frozen=True)
class Schedule:
    """every: batches from one retraining to the next; None: never.

    stale: cost per batch of serving older models than the newest. total: the same with the price of the retrainings.
    above_best: how much more than the best schedule it costs, None for that one. more: about how many more batches
    would prove the difference; None if it is proven, or not within `MOST_MORE` batches.
    """

    every: int | None
    stale: Amount
    total: Amount
    above_best: Amount | None
    more: int | None

    @property
    def is_proven_dearer(self) -> bool:
        """Whether it is proven to cost more than the best one, at 95 %."""
        return self.above_best is not None and self.above_best.low is not None and self.above_best.low > 0


@dataclass(frozen=True)
class Staleness:
    """ages: from the newest on. schedules: from the most frequent on. best: the one with the lowest total.

    compared: batches on which the schedules are compared. growth: of the cost with each batch of age, by least squares
    on each of these batches.
    """

    ages: tuple[Age, ...]
    schedules: tuple[Schedule, ...]
    best: Schedule
    compared: int
    growth: Amount


def staleness(stream: Stream, window: str, cost: Cost, price: float = 0.0) -> Staleness | None:
    """Ages and schedules on a stream; None if it is too short for any schedule but one.

    window: as `Way.window`. cost: in the unit that is asked about. price: of one retraining, in the same unit.
    """
    last = stream.moments - 1
    periods_of = [k for k in EVERY if (last - k + 1) // k >= FEWEST_PERIODS]
    if len(periods_of) < 2:
        return None
    longest = periods_of[-1]
    table = _by_age(stream, window, cost)
    at = np.array([t for t in range(longest, stream.moments) if np.isfinite(table[:t, t]).all()], dtype=np.int64)
    if at.size < FEWEST_PERIODS * longest:
        return None
    stale: dict[int | None, FloatArray] = {k: table[:k, at].mean(axis=0) for k in periods_of}
    stale[None] = np.array([table[t - 1, t] for t in at])
    totals = {k: values + (price / k if k else 0.0) for k, values in stale.items()}
    best = min(totals, key=lambda k: float(totals[k].mean()))
    schedules = tuple(_schedule(k, best, stale[k], totals, at, longest) for k in stale)
    ages = tuple(_age(table[a], a, longest) for a in range(min(longest, last)))
    best_one = next(each for each in schedules if each.above_best is None)
    age = np.arange(longest)
    growth = amount(age @ table[:longest, at] / (age @ age), _blocks(at.size, longest))
    return Staleness(ages, schedules, best_one, int(at.size), growth)


def _by_age(stream: Stream, window: str, cost: Cost) -> FloatArray:
    """How much more the model of each age costs than the newest on each moment, shape (m, m); NaN without one."""
    table = np.full((stream.moments, stream.moments), np.nan)
    models = [Model(stream.best_window(window, t), t) for t in range(stream.moments - 1)]
    for t in range(1, stream.moments):
        costs = [cost(models[t - 1 - age], t) if stream.models[models[t - 1 - age]] else np.nan for age in range(t)]
        table[:t, t] = np.array(costs) - costs[0]
    return table


def _age(costs: FloatArray, age: int, longest: int) -> Age:
    seen = costs[np.isfinite(costs)]
    return Age(age, amount(seen, _blocks(seen.size, min(longest, age + 1))), int(seen.size))


def _schedule(
    every: int | None,
    best: int | None,
    stale: FloatArray,
    totals: dict[int | None, FloatArray],
    at: IntArray,
    longest: int,
) -> Schedule:
    length = every or longest
    above, more = None, None
    if every != best:
        difference, blocks = totals[every] - totals[best], _blocks(at.size, max(length, best or longest))
        above = amount(difference, blocks)
        more = _more(above, int(blocks.max()) + 1, at.size)
    periods = _blocks(at.size, length)
    return Schedule(every, amount(stale, periods), amount(totals[every], periods), above, more)


def _blocks(size: int, length: int) -> IntArray:
    """The decision period of each of some batches in a row: those of one period are served by the same models."""
    return np.arange(size, dtype=np.int64) // length


def _more(above: Amount, periods: int, batches: int) -> int | None:
    """About how many more batches would prove a difference of this size, if they vary as those so far."""
    if above.low is None or above.low > 0 or above.value <= 0:
        return None
    from scipy.special import stdtrit

    error = (above.value - above.low) / stdtrit(periods - 1, 0.975)
    length = batches / periods
    for more in range(1, MOST_MORE + 1):
        count = periods + more / length
        if stdtrit(count - 1, 0.975) * error * (periods / count) ** 0.5 < above.value:
            return more
    return None


def break_even(this: Schedule, other: Schedule) -> float:
    """The price of a retraining at which two schedules cost the same. this: the more frequent one, not never."""
    rate = 1 / (this.every or 1) - (1 / other.every if other.every else 0.0)
    return (other.stale.value - this.stale.value) / rate
