"""What a day of age costs each member of a fleet, from what `worth` measured for some of them.

A few batches measure it poorly, and the largest of many poor measurements is mostly luck. So each is drawn towards the
mean of all members, the more so the less certain it is: empirical Bayes, with the variance between members by Paule &
Mandel (1982), Consensus Values and Weighting Factors, Journal of Research of the National Bureau of Standards 87. A
member without a measurement has the mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from perennial.backtest.kept_worth import Growth

_NORMAL = 1.96
"""Half the width of a 95 % interval in standard errors; with few periods the interval is wider, and counts less."""


@dataclass(frozen=True)
class DayCosts:
    """of: use case → what a day of age costs it, at least 0. a_row: for each row, otherwise for all of a month."""

    of: Mapping[str, float]
    a_row: bool


def day_costs(measured: Mapping[str, Growth | None]) -> DayCosts | None:
    """What a day of age costs each use case; None if it was measured for none.

    Only measurements in one unit can be compared: in that of most members, equal ones by name. The others count as
    unknown.
    """
    units = Counter((each.unit, each.a_row) for each in measured.values() if each is not None)
    if not units:
        return None
    unit = min(units, key=lambda each: (-units[each], each))
    known = {name: each for name, each in measured.items() if each is not None and (each.unit, each.a_row) == unit}
    mean, between = _between(list(known.values()))
    return DayCosts({name: max(0.0, _drawn(known.get(name), mean, between)) for name in measured}, unit[1])


def _drawn(growth: Growth | None, mean: float, between: float) -> float:
    if growth is None:
        return mean
    own = _variance(growth)
    return (between * growth.a_day + own * mean) / (between + own) if between + own else growth.a_day


def _variance(growth: Growth) -> float:
    return float(((growth.high - growth.low) / (2 * _NORMAL)) ** 2)


def _between(known: list[Growth]) -> tuple[float, float]:
    """The mean of all members, and the variance between them, with which their spread is the expected one."""
    least = 1e-12 * max(_variance(each) for each in known)
    variances = [max(_variance(each), least) for each in known]
    if not any(variances):
        return sum(each.a_day for each in known) / len(known), 0.0

    def at(between: float) -> tuple[float, float]:
        weights = [1 / (each + between) for each in variances]
        pairs = list(zip(weights, known, strict=True))
        mean = sum(weight * each.a_day for weight, each in pairs) / sum(weights)
        return mean, sum(weight * (each.a_day - mean) ** 2 for weight, each in pairs)

    low, high = 0.0, (max(each.a_day for each in known) - min(each.a_day for each in known)) ** 2
    if at(low)[1] <= len(known) - 1:
        return at(low)[0], low
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle)[1] > len(known) - 1 else (low, middle)
    return at(high)[0], high
