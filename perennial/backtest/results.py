"""What a backtest shows: each life's loss, value and changes beside the declared one, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from perennial.backtest.amount import Amount, amount
from perennial.backtest.lives import Lived
from perennial.backtest.money import Earnings, Hindsight, earnings
from perennial.backtest.stream import Stream
from perennial.backtest.totals import Totals, Yardstick, better_by
from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.slices import holm


@dataclass(frozen=True)
class Difference:
    """How much better a life was than the declared one. p_value: two-sided, Holm-adjusted over all lives compared."""

    gain: Amount
    p_value: float | None
    verdict: Literal["better", "worse", "no_difference_shown"]


@dataclass(frozen=True)
class LifeResult:
    """One life. loss: the primary metric. value: of the first custom metric per row, summed; None without one.

    regret: of the loss, against the best earlier model of each batch. harmful, needless: changes of what is live.
    members: models that are live, on average. fits: trainings, those of the race not counted.
    by_batch: the loss on each compared batch.
    """

    name: str
    policy: str
    window: str
    serve: str
    at_once: bool
    every_days: float
    on_drift: bool
    loss: Amount
    against_declared: Difference | None
    value: Amount | None
    value_against_declared: Amount | None
    earnings: Earnings | None
    regret: Amount
    decisions: int
    releases: int
    harmful: int
    needless: int
    fits: int
    members: float
    by_batch: tuple[float, ...]


def periods_of(declared: Lived, compared: Sequence[int]) -> IntArray:
    """The decision period of each compared moment, shape (k,): a decision of the declared life begins a new one.

    What is live changes only there, so batches of one period share the luck of one choice.
    """
    ends = sorted({decision.moment for decision in declared.decisions})
    number = np.searchsorted(ends, np.asarray(compared), side="left")
    return np.unique(number, return_inverse=True)[1].astype(np.int64)


def compared_moments(stream: Stream, lives: Sequence[Lived], by: Yardstick) -> list[int]:
    """Moments from the start on at which the metric has a value under every life."""
    return [
        t
        for t in range(by.start, stream.moments)
        if all(np.isfinite(stream.loss(life.served[t], t)) for life in lives) and np.isfinite(by.best[t])
    ]


def results_of(
    stream: Stream,
    names: Sequence[str],
    lives: Sequence[Lived],
    all_totals: Sequence[Totals],
    by: Yardstick,
    worth: Sequence[FloatArray] | None,
    beside: Hindsight | None,
) -> tuple[LifeResult, ...]:
    """The lives beside the first one, which is declared.

    worth: for each life the value of each moment, shape (m,); beside: hindsight. None if no value is declared.
    """
    compared = compared_moments(stream, lives, by)
    periods = periods_of(lives[0], compared)
    losses = [np.array([stream.loss(life.served[t], t) for t in compared]) for life in lives]
    values = None if worth is None else [each[compared] for each in worth]
    best = np.array([by.best[t] for t in compared])
    made = []
    for place, (name, life, total) in enumerate(zip(names, lives, all_totals, strict=True)):
        against = None
        if place:
            against = _difference(_gains(stream, losses[0], losses[place]), periods)
        made.append(
            LifeResult(
                name=name,
                policy=life.way.policy,
                window=life.way.window,
                serve=life.way.serve,
                at_once=life.way.at_once,
                every_days=life.way.every,
                on_drift=life.way.on_drift,
                loss=amount(losses[place], periods),
                against_declared=against,
                value=amount(values[place], periods, total=True) if values else None,
                value_against_declared=amount(values[place] - values[0], periods, total=True)
                if values and place
                else None,
                earnings=earnings(values[place], life, compared, periods, beside) if values and beside else None,
                regret=amount(_gains(stream, losses[place], best), periods),
                decisions=total.decisions,
                releases=total.releases,
                harmful=total.harmful,
                needless=total.needless,
                fits=life.fits,
                members=total.members,
                by_batch=tuple(losses[place].tolist()),
            )
        )
    return _corrected(made)


def _gains(stream: Stream, this: FloatArray, other: FloatArray) -> FloatArray:
    return np.array([better_by(stream, float(a), float(b)) for a, b in zip(this, other, strict=True)])


def _difference(gains: FloatArray, periods: IntArray) -> Difference:
    mean, counts = float(gains.mean()), np.bincount(periods)
    interval = day_t(mean, np.bincount(periods, weights=gains - mean).astype(np.float64), counts)
    p_value = None if interval is None else 2 * min(interval.p_value, 1 - interval.p_value)
    if not np.any(gains):
        p_value = None  # the same life: nothing to test
    return Difference(amount(gains, periods), p_value, "no_difference_shown")


def _corrected(made: Sequence[LifeResult]) -> tuple[LifeResult, ...]:
    """Holm's adjustment over all lives that were compared with the declared one: all of them were looked at."""
    tested = {
        each.name: each.against_declared.p_value
        for each in made
        if each.against_declared and each.against_declared.p_value is not None
    }
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))

    def one(each: LifeResult) -> LifeResult:
        against = each.against_declared
        if against is None or each.name not in adjusted:
            return each
        p_value = adjusted[each.name]
        verdict: Literal["better", "worse", "no_difference_shown"] = "no_difference_shown"
        if p_value < ALPHA:
            verdict = "better" if against.gain.value > 0 else "worse"
        return replace(each, against_declared=replace(against, p_value=p_value, verdict=verdict))

    return tuple(one(each) for each in made)
