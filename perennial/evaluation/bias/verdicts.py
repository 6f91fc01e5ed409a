"""Verdicts about groups from their measures and standard errors, so that a decision replays from the ledger alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, log

import numpy as np

from perennial.evaluation.bias.measures import inside
from perennial.evaluation.bias.results import Bias, ColumnBias, GroupMeasure
from perennial.evaluation.figures import figure
from perennial.evaluation.intervals.mde import ALPHA, minimal_detectable_effect
from perennial.evaluation.intervals.student_t import LEVEL, p_at_most, student_t
from perennial.evaluation.slices import holm

HIGHEST = 100
"""Ratios are looked for up to here."""


def judge_bias(bias: Bias) -> Bias:
    """Intervals, p-values and verdicts of every measure, from its own standard error and variance ratio.

    Each group is compared with all others together, not the lowest with the highest group: the extremes of many small
    groups differ even if all are treated alike. All groups share one factor for neighbouring days, the mean of their
    variance ratios, at least 1, and Holm's test at 5 % is over all groups. The selection rate is tested one-sided
    against the declared ratio, every other measure two-sided against no difference.
    Measures that hold a release share one test of Holm. A gated rate is tested against its limit like the selection
    rate, a gated calibration or loss against a difference of its limit.
    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    return bias.model_copy(update={"columns": judged_columns(bias.columns, bias.gates, bias.ratio)})


def judged_columns(columns: Sequence[ColumnBias], gates: Sequence[str], ratio: float) -> tuple[ColumnBias, ...]:
    """The columns with the intervals, p-values and verdicts of every measure. gates: those that share one test."""
    every = [each for column in columns for group in column.groups for each in group.measures]
    rest = dict.fromkeys(each.name for each in every if each.name not in gates)
    judged: dict[int, GroupMeasure] = {}
    for names in (gates, *((name,) for name in rest)):
        places = [place for place, each in enumerate(every) if each.name in names]
        judged.update(zip(places, _family([every[place] for place in places], ratio), strict=True))
    again = (judged[place] for place in range(len(every)))
    return tuple(
        column.model_copy(
            update={
                "groups": tuple(
                    group.model_copy(update={"measures": tuple(next(again) for _ in group.measures)})
                    for group in column.groups
                )
            }
        )
        for column in columns
    )


def _family(measures: Sequence[GroupMeasure], ratio: float) -> list[GroupMeasure]:
    """The measures of all groups that share one test of Holm."""
    factors = {name: _factor([m for m in measures if m.name == name]) for name in {each.name for each in measures}}
    tested = [each for each in measures if each.own_se is not None]
    adjusted = iter(holm([_p_value(each, factors[each.name], ratio) for each in tested]))
    return [
        each if each.own_se is None else _judged(each, factors[each.name], next(adjusted), len(tested), ratio)
        for each in measures
    ]


def _factor(measures: Sequence[GroupMeasure]) -> float:
    ratios = [each.variance_ratio for each in measures if each.own_se is not None and each.variance_ratio is not None]
    return max(1.0, float(np.mean(ratios)) if ratios else 1.0) ** 0.5


def _p_value(each: GroupMeasure, factor: float, ratio: float) -> float:
    """One-sided against the limit; two-sided where a difference either way is one."""
    se, df = _spread(each, factor)
    assert each.change is not None
    if each.is_ratio:
        beyond = log(each.limit or ratio) - _log_ratio(each)
        return p_at_most(-beyond if each.worse == "higher" else beyond, se, df, 0.0)
    if each.worse in ("lower", "higher"):
        return p_at_most(each.change if each.worse == "higher" else -each.change, se, df, each.limit or 0.0)
    return min(1.0, 2 * p_at_most(abs(each.change), se, df, each.limit or 0.0))


def _spread(each: GroupMeasure, factor: float) -> tuple[float, float]:
    assert each.own_se is not None
    return each.own_se * factor, float(each.clusters - 1)


def _log_ratio(each: GroupMeasure) -> float:
    assert each.value is not None and each.others is not None
    return log(inside(each.value, each.rows) / each.others)


def _judged(each: GroupMeasure, factor: float, p_value: float, tested: int, ratio: float) -> GroupMeasure:
    assert each.change is not None and each.harm is not None
    se, df = _spread(each, factor)
    proven = p_value < ALPHA
    smallest: float | None
    if each.is_ratio:
        interval = student_t(_log_ratio(each), se, df, level=LEVEL)
        low, high = exp(interval.ci_low) if each.change else 0.0, exp(interval.ci_high)
        over = each.worse == "higher"
        smallest = _smallest_ratio(each, se, df, tested, each.limit or ratio)
        unseen = smallest is None or (smallest > each.harm if over else smallest < each.harm)
        hidden = unseen and (high >= each.harm if over else low <= each.harm)
        side = "over" if over else "under"
        would = "no ratio would show" if smallest is None else f"only a ratio {side} {smallest:.2f} would show"
    else:
        interval = student_t(each.change, se, df, level=LEVEL)
        low, high = interval.ci_low, interval.ci_high
        sides = 1 if each.worse in ("lower", "higher") else 2
        smallest = (each.limit or 0.0) + minimal_detectable_effect(se, df, alpha=ALPHA / (sides * tested))
        within = -each.harm < low or each.worse == "higher", high < each.harm or each.worse == "lower"
        hidden = smallest > each.harm and not (all(within) and low < high)
        would = f"only a difference over {figure(smallest, 2)} would show"
    return each.model_copy(
        update={
            "ci_low": low,
            "ci_high": high,
            "p_value": p_value,
            "smallest": smallest,
            "verdict": "difference_proven" if proven else "cannot_be_checked" if hidden else "not_proven",
            "note": would if hidden and not proven else "",
        }
    )


def _smallest_ratio(each: GroupMeasure, se: float, df: float, tested: int, limit: float) -> float | None:
    """The true ratio nearest to the limit, in hundredths, that would most likely have been proven to be beyond it.

    A lower rate is counted on fewer selected rows, so the standard error at another ratio is that of this one times
    the square root of (1 − rate)/rate there over the same here.
    """
    assert each.value is not None and each.others is not None
    rate = inside(each.value, each.rows)
    needed = minimal_detectable_effect(se, df, alpha=ALPHA / tested) / ((1 - rate) / rate) ** 0.5
    over = each.worse == "higher"
    upwards = range(ceil(limit * 100), min(ceil(100 / each.others), HIGHEST * 100))
    for hundredths in upwards if over else range(int(limit * 100), 0, -1):
        there = hundredths / 100 * each.others
        beyond = log(hundredths / (limit * 100)) if over else log(limit * 100 / hundredths)
        if there < 1 and beyond >= needed * ((1 - there) / there) ** 0.5:
            return hundredths / 100
    return None
