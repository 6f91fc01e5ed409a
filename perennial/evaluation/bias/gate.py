"""Whether a release is held because it would treat a group worse, which is proven."""

from __future__ import annotations

from functools import partial

from perennial.evaluation.bias.limits import limits_in_words, shown_change
from perennial.evaluation.bias.results import SELECTION_RATE, Bias, GroupBias, GroupMeasure
from perennial.evaluation.figures import chance, counted, interval_in_words

NAMED = 3


def worse_treated(bias: Bias) -> list[tuple[str, GroupBias, GroupMeasure]]:
    """The groups with a gated measure that is proven to be beyond its limit by more than in the live model, with their
    columns.

    A group that the live model treats as badly, or worse, on the same rows holds nothing: keeping the live model would
    not help it.
    """
    return [
        (column.by, group, each)
        for column, group in bias.groups
        for each in _gated(bias, group)
        if each.verdict == "difference_proven" and _is_worse_than_live(each, group.live_change(each))
    ]


def _gated(bias: Bias, group: GroupBias) -> list[GroupMeasure]:
    return [measure for name in bias.gates if (measure := group.measure(name)) is not None]


def _is_worse_than_live(each: GroupMeasure, live: float | None) -> bool:
    if each.change is None or live is None:
        return each.change is not None
    if each.worse == "either":
        return abs(each.change) > abs(live)
    return each.change > live if each.worse == "higher" else each.change < live


def bias_reason(bias: Bias) -> tuple[bool, str]:
    """Whether the gate holds a release, and a sentence about the groups."""
    measured = [_gated(bias, group) for _, group in bias.groups]
    proven = [each for each in measured if any(m.verdict == "difference_proven" for m in each)]
    hidden = [each for each in measured if len(each) < len(bias.gates) or any(map(_is_hidden, each))]
    cannot = f"; {len(hidden)} cannot be checked" if hidden else ""
    worse = worse_treated(bias)
    limit = limits_in_words(bias)
    besides = _besides(bias)
    every = counted(len(bias.groups), "group", "groups")
    if not proven:
        return False, f"Groups: {limit} is proven for none of {every}{cannot}.{besides}"
    if not worse:
        as_live = "selects more often" if bias.gates == (SELECTION_RATE,) else "treats better"
        return False, (
            f"Groups: {limit} is proven for {len(proven)} of {every}, none of which the live model {as_live}{cannot}."
            f"{besides}"
        )
    named = "; ".join(_in_words(*each) for each in worse[:NAMED])
    more = f", and {len(worse) - NAMED} more" if len(worse) > NAMED else ""
    gate = "The release waits for a person" if bias.gate else "The gate is off, so this holds nothing"
    return bias.gate, f"Groups: {limit} is proven for {named}{more}{cannot}. {gate}.{besides}"


def _is_hidden(each: GroupMeasure) -> bool:
    return each.verdict in ("cannot_be_checked", "unknown")


def _besides(bias: Bias) -> str:
    """A sentence about other differences that are proven, which hold nothing; empty if there are none."""
    proven = [
        f"{column.by} {group.value} ({each.name.replace('_', ' ')})"
        for column, group in bias.groups
        for each in group.measures
        if each.name not in bias.gates and each.verdict == "difference_proven"
    ]
    more = f" and {len(proven) - NAMED} more" if len(proven) > NAMED else ""
    return f" Other differences are proven for {', '.join(proven[:NAMED])}{more}." if proven else ""


def _in_words(by: str, group: GroupBias, each: GroupMeasure) -> str:
    live, which = group.live_change(each), "" if each.name == SELECTION_RATE else f", {each.name.replace('_', ' ')}"
    shown = partial(shown_change, each)
    numbers = [
        f"{'ratio' if each.is_ratio else 'difference'} {shown(each.change)}",
        interval_in_words(each.ci_low, each.ci_high, shown),
        f"p {chance(each.p_value)}",
        counted(each.rows, "row", "rows"),
        *([f"the live model has {shown(live)}"] if live is not None else []),
    ]
    return f"{by} {group.value}{which} ({', '.join(numbers)})"
