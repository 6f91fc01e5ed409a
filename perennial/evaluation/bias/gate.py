"""Whether a release is held because it would treat a group worse, which is proven."""

from __future__ import annotations

from perennial.evaluation.bias.results import SELECTION_RATE, Bias, GroupBias, GroupMeasure
from perennial.evaluation.figures import chance, counted, figure, interval_in_words

NAMED = 3


def worse_treated(bias: Bias) -> list[tuple[str, GroupBias, GroupMeasure]]:
    """The groups whose selection rate is proven too low by more than in the live model, with their columns.

    A group that the live model selects as rarely, or more so, on the same rows holds nothing: keeping the live model
    would not help it.
    """
    return [
        (column.by, group, rate)
        for column, group in bias.groups
        if (rate := group.measure(SELECTION_RATE)) is not None
        and rate.verdict == "difference_proven"
        and rate.change is not None
        and (group.live_ratio is None or rate.change < group.live_ratio)
    ]


def bias_reason(bias: Bias) -> tuple[bool, str]:
    """Whether the gate holds a release, and a sentence about the groups."""
    rates = [rate for _, group in bias.groups if (rate := group.measure(SELECTION_RATE)) is not None]
    proven = [rate for rate in rates if rate.verdict == "difference_proven"]
    hidden = [rate for rate in rates if rate.verdict in ("cannot_be_checked", "unknown")]
    few = len(bias.groups) - len(rates)
    unseen = len(hidden) + few
    cannot = f"; {unseen} cannot be checked" if unseen else ""
    worse = worse_treated(bias)
    limit = f"a selection rate under {figure(bias.ratio, 2)} of the others'"
    besides = _besides(bias)
    every = counted(len(bias.groups), "group", "groups")
    if not proven:
        return False, f"Groups: {limit} is proven for none of {every}{cannot}.{besides}"
    if not worse:
        return False, (
            f"Groups: {limit} is proven for {len(proven)} of {every}, none of which the live model selects more "
            f"often{cannot}.{besides}"
        )
    named = "; ".join(_in_words(*each) for each in worse[:NAMED])
    more = f", and {len(worse) - NAMED} more" if len(worse) > NAMED else ""
    gate = "The release waits for a person" if bias.gate else "The gate is off, so this holds nothing"
    return bias.gate, f"Groups: {limit} is proven for {named}{more}{cannot}. {gate}.{besides}"


def _besides(bias: Bias) -> str:
    """A sentence about other differences that are proven, which hold nothing; empty if there are none."""
    proven = [
        f"{column.by} {group.value} ({each.name.replace('_', ' ')})"
        for column, group in bias.groups
        for each in group.measures
        if each.name != SELECTION_RATE and each.verdict == "difference_proven"
    ]
    more = f" and {len(proven) - NAMED} more" if len(proven) > NAMED else ""
    return f" Other differences are proven for {', '.join(proven[:NAMED])}{more}." if proven else ""


def _in_words(by: str, group: GroupBias, rate: GroupMeasure) -> str:
    numbers = [
        f"ratio {figure(rate.change, 3)}",
        interval_in_words(rate.ci_low, rate.ci_high, lambda value: figure(value, 3)),
        f"p {chance(rate.p_value)}",
        counted(rate.rows, "row", "rows"),
        *([f"the live model has {figure(group.live_ratio, 3)}"] if group.live_ratio is not None else []),
    ]
    return f"{by} {group.value} ({', '.join(numbers)})"
