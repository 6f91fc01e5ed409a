"""Verdicts about groups from their measures and standard errors, so that a decision replays from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log

import numpy as np

from perennial.evaluation.bias.measures import inside
from perennial.evaluation.bias.results import SELECTION_RATE, Bias, GroupMeasure
from perennial.evaluation.figures import figure
from perennial.evaluation.intervals.mde import ALPHA, minimal_detectable_effect
from perennial.evaluation.intervals.student_t import LEVEL, p_at_most, student_t
from perennial.evaluation.slices import holm


def judge_bias(bias: Bias) -> Bias:
    """Intervals, p-values and verdicts of every measure, from its own standard error and variance ratio.

    Each group is compared with all others together, not the lowest with the highest group: the extremes of many small
    groups differ even if all are treated alike. All groups share one factor for neighbouring days, the mean of their
    variance ratios, at least 1, and Holm's test at 5 % is over all groups. The selection rate is tested one-sided
    against the declared ratio, every other measure two-sided against no difference.
    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    names = dict.fromkeys(each.name for _, group in bias.groups for each in group.measures)
    judged = {name: iter(_family([*_named(bias, name)], bias.ratio)) for name in names}
    return bias.model_copy(
        update={
            "columns": tuple(
                column.model_copy(
                    update={
                        "groups": tuple(
                            group.model_copy(update={"measures": tuple(next(judged[m.name]) for m in group.measures)})
                            for group in column.groups
                        )
                    }
                )
                for column in bias.columns
            )
        }
    )


def _named(bias: Bias, name: str) -> Iterator[GroupMeasure]:
    return (each for _, group in bias.groups for each in group.measures if each.name == name)


def _family(measures: Sequence[GroupMeasure], ratio: float) -> list[GroupMeasure]:
    """One measure of all groups."""
    ratios = [each.variance_ratio for each in measures if each.own_se is not None and each.variance_ratio is not None]
    factor = max(1.0, float(np.mean(ratios)) if ratios else 1.0) ** 0.5
    tested = [each for each in measures if each.own_se is not None]
    adjusted = iter(holm([_p_value(each, factor, ratio) for each in tested]))
    return [
        each if each.own_se is None else _judged(each, factor, next(adjusted), len(tested), ratio) for each in measures
    ]


def _p_value(each: GroupMeasure, factor: float, ratio: float) -> float:
    se, df = _spread(each, factor)
    if each.name == SELECTION_RATE:
        return p_at_most(log(ratio) - _log_ratio(each), se, df, 0.0)
    assert each.change is not None
    return min(1.0, 2 * p_at_most(abs(each.change), se, df, 0.0))


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
    if each.name == SELECTION_RATE:
        interval = student_t(_log_ratio(each), se, df, level=LEVEL)
        low, high = exp(interval.ci_low) if each.change else 0.0, exp(interval.ci_high)
        smallest = _smallest_ratio(each, se, df, tested, ratio)
        hidden = (smallest is None or smallest < each.harm) and low <= each.harm
        would = "no ratio would show" if smallest is None else f"only a ratio under {smallest:.2f} would show"
    else:
        interval = student_t(each.change, se, df, level=LEVEL)
        low, high = interval.ci_low, interval.ci_high
        smallest = minimal_detectable_effect(se, df, alpha=ALPHA / (2 * tested))
        hidden = smallest > each.harm and not -each.harm < low < high < each.harm
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


def _smallest_ratio(each: GroupMeasure, se: float, df: float, tested: int, ratio: float) -> float | None:
    """The largest true ratio, in hundredths, that would most likely have been proven to be under the declared one.

    A lower rate is counted on fewer selected rows, so the standard error at another ratio is that of this one times
    the square root of (1 − rate)/rate there over the same here.
    """
    assert each.value is not None and each.others is not None
    rate = inside(each.value, each.rows)
    needed = minimal_detectable_effect(se, df, alpha=ALPHA / tested) / ((1 - rate) / rate) ** 0.5
    for hundredths in range(int(ratio * 100), 0, -1):
        there = hundredths / 100 * each.others
        if there < 1 and log(ratio * 100 / hundredths) >= needed * ((1 - there) / there) ** 0.5:
            return hundredths / 100
    return None
