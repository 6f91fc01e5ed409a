"""What a stage will be able to see, before it starts: days, keys and failures needed, from measured history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import log

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.intervals.ewc import frequencies_for
from perennial.evaluation.intervals.mde import MIN_CLUSTERS, minimal_detectable_effect
from perennial.evaluation.patience import nominal_level, obrien_fleming
from perennial.evaluation.planning import Spread, smallest_gain
from perennial.evaluation.staged.counts import ALPHA as OF_COUNTS
from perennial.evaluation.staged.counts import OF_EVENTS, log_e_value
from perennial.evaluation.staged.looks import ALPHA, BETWEEN_LOOKS, planned_look_days

MOST_DAYS = 183
MOST_EVENTS = 1_000_000


@dataclass(frozen=True)
class KeyValues:
    """What a key was worth in history. deviation: the standard deviation per key, in the declared unit. a_day: how many
    keys a day brings. keys: how many both are measured on."""

    deviation: float
    a_day: float
    keys: int


def key_values(values: FloatArray, days: int) -> KeyValues | None:
    """Measured on history: values, shape (n,), one per key, over `days` days; None under 2 keys or without a day.

    >>> import numpy as np
    >>> key_values(np.array([1.0, 3.0, 1.0, 3.0]), 2)
    KeyValues(deviation=1.1547005383792515, a_day=2.0, keys=4)
    """
    if values.size < 2 or days < 1:
        return None
    return KeyValues(float(values.std(ddof=1)), values.size / days, values.size)


@cache
def last_level(days: int) -> float:
    """The level of the last look of a stage of `days` days, one-sided, such that all its looks err at `looks.ALPHA`.

    >>> [round(last_level(days), 4) for days in (15, 28, 60)]
    [0.04, 0.0337, 0.0276]
    """
    looks = [day / days for day in planned_look_days(days)]
    return nominal_level(ALPHA, looks, obrien_fleming)


def detectable_loss(spread: Spread, days: int) -> float | None:
    """The loss in the primary metric that a stage of `days` days finds in 4 of 5 cases; None under 15 days.

    spread: of a day's paired gain in earlier decisions. In the metric's unit.
    """
    return None if days < MIN_CLUSTERS else _loss(spread, days, last_level(days))


def detectable_value(history: KeyValues, share: float, days: int) -> float | None:
    """The loss of value per key that a split of `days` days finds in 4 of 5 cases; None under 15 days.

    share: of the keys in the candidate's arm. SE² = s²/(n·share·(1 − share)) with n keys, since arms are drawn by key,
    so what a day or a group adds to all its keys cancels out in the difference. In the value's unit.
    """
    return None if days < MIN_CLUSTERS else _value(history, share, days, last_level(days))


def days_for_loss(spread: Spread, loss: float) -> int | None:
    """The days of a stage, 15 or full weeks more, that find a loss in the primary metric in 4 of 5 cases.

    None beyond half a year. Arguments as in `detectable_loss`.
    """
    return _fewest(lambda days, level: _loss(spread, days, level), loss)


def days_for_value(history: KeyValues, share: float, loss: float) -> int | None:
    """The days of a split, 15 or full weeks more, that find a loss of value per key in 4 of 5 cases.

    None beyond half a year. Arguments as in `detectable_value`; `days · history.a_day` is the planned number of keys.

    >>> days_for_value(KeyValues(deviation=10.0, a_day=500.0, keys=9_000), 0.5, 0.5)
    43
    """
    return _fewest(lambda days, level: _value(history, share, days, level), loss)


def _loss(spread: Spread, days: int, level: float) -> float:
    # The looks use `ewc` alone, so the correlation that was pooled over earlier decisions is left out.
    return smallest_gain(spread.a_day, days, None, alpha=level)


def _value(history: KeyValues, share: float, days: int, level: float) -> float:
    se = history.deviation / (history.a_day * days * share * (1 - share)) ** 0.5
    return minimal_detectable_effect(se, float(frequencies_for(days)), alpha=level)


def _fewest(detectable: Callable[[int, float], float], loss: float) -> int | None:
    # A single look at α sees more than the last of several, and costs nothing to compute.
    lengths = (days for days in range(MIN_CLUSTERS, MOST_DAYS, BETWEEN_LOOKS) if detectable(days, ALPHA) <= loss)
    return next((days for days in lengths if detectable(days, last_level(days)) <= loss), None)


def events_until_stopped(times: float, expected: float, *, tests: int = 1) -> int | None:
    """How many failures of both models together stop a candidate that fails `times` as often as the champion.

    Counted at their expected split: about half of such candidates are stopped earlier. times: above 1.
    expected: the candidate's part of the failures if both are alike, .5 if both score every record. tests: how many
    count tests share the 5 %. None if more than a million are needed.

    >>> events_until_stopped(2, 0.5), events_until_stopped(5, 0.5), events_until_stopped(2, 0.1)
    (70, 17, 135)
    """
    share = times * expected / (times * expected + 1 - expected)

    def stops(events: int) -> bool:
        candidate = round(events * share)
        return log_e_value(candidate, events - candidate, expected, k=OF_EVENTS) >= log(tests / OF_COUNTS)

    low, high = 0, 1
    while not stops(high):
        low, high = high, high * 2
        if high > MOST_EVENTS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stops(middle) else (middle, high)
    return high
