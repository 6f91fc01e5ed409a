"""The treatment of groups in words and tables: the same in a decision, on the page and in the dossier."""

from __future__ import annotations

from functools import partial

from perennial.evaluation.bias.impact import FOUR_FIFTHS, LEFT_OUT
from perennial.evaluation.bias.limits import limits_in_words, shown_change
from perennial.evaluation.bias.results import REPRESENTATION, SELECTION_RATE, Bias, GroupBias, GroupMeasure
from perennial.evaluation.figures import between, chance, change, counted, figure, percent

RATES = (
    *("group", "rows", "selected", "its interval", "of others", "ratio", "95 % interval", "live model", "p"),
    "verdict",
)
GATED = (
    *("group", "measure", "rows", "value", "its interval", "of others", "ratio or difference", "95 % interval"),
    *("limit", "live model", "p", "verdict"),
)
MEASURES = (
    *("group", "measure", "rows", "value", "its interval", "of others", "difference", "95 % interval", "p"),
    "verdict",
)
IMPACT = ("group", "share of rows", "over the highest", "under four fifths", "impact ratio, New York City")
SCORES = ("group", "rows", *(f"tenth {number}" for number in range(1, 11)))

Cells = tuple[tuple[str, ...], ...]


def summary(bias: Bias) -> str:
    """What is compared, and which rows and groups are left out."""
    unknown = "; ".join(
        f"{counted(column.unknown_rows, 'row has', 'rows have')} no known {column.by}"
        for column in bias.columns
        if column.unknown_rows
    )
    gate = "holds a release" if bias.gate else "holds nothing, since the gate is off"
    tested = f"A selection rate that is proven to be under {figure(bias.ratio, 2)} of theirs, with Holm's test at 5 %"
    family = "all groups"
    if bias.gated:
        limits = limits_in_words(bias)
        tested = f"{limits[0].upper()}{limits[1:]}, if it is proven with Holm's test at 5 %"
        family = "all groups and these measures"
    return (
        f"Selected are {bias.selected}. Each group is compared with all others together. {tested} over {family}, "
        f"{gate}. {unknown[0].upper() + unknown[1:] if unknown else 'The group of every row is known'}."
    )


def about_impact(bias: Bias) -> str:
    """What the two public ratios are, and what they are not."""
    small = [f"{column.by} {group.value}" for column, group in bias.groups if group.share < LEFT_OUT]
    out = f" Left out of it, with under {percent(LEFT_OUT)} of the rows: {', '.join(small)}." if small else ""
    return (
        "The four-fifths rule (29 CFR 1607.4(D)) compares each selection rate with the highest, and the impact ratio "
        f"of New York City's Local Law 144 (6 RCNY § 5-300) does so over larger groups.{out} Both compare points, "
        "however few rows they are counted on, so they also flag models that treat all groups alike. They decide "
        "nothing here."
    )


def rates(bias: Bias) -> Cells:
    """Selection rates, in the columns of `RATES`."""
    return tuple((name, *_rate(group)) for name, group in _named(bias))


def gated(bias: Bias) -> Cells:
    """The measures that hold a release besides the selection rate, in the columns of `GATED`."""
    return tuple(
        (name, *_gated(each)) for name, group in _named(bias) for each in group.measures if each.limit is not None
    )


def measures(bias: Bias) -> Cells:
    """All other measures of the predictions, in the columns of `MEASURES`."""
    return tuple(
        (name, *_measure(each))
        for name, group in _named(bias)
        for each in group.measures
        if each.name not in (SELECTION_RATE, REPRESENTATION, *(bias.gated or ()))
    )


def represented(bias: Bias) -> Cells:
    """Shares of the rows beside those of the population, in the columns of `MEASURES`."""
    return tuple(
        (name, *_measure(each)) for name, group in _named(bias) if (each := group.measure(REPRESENTATION)) is not None
    )


def trained_on(bias: Bias) -> Cells:
    """Shares of the challenger's training rows beside those of the population, in the columns of `MEASURES`."""
    return tuple(
        (f"{column.by} {group.value}", *_measure(each))
        for column in bias.training or ()
        for group in column.groups
        for each in group.measures
    )


def about_shares(which: str) -> str:
    """What a table of shares shows. which: the kind of rows, `evaluation` or `training`."""
    return f"Shares of the {which} rows; `of others` is the declared share of the population."


def impact(bias: Bias) -> Cells:
    """The two public ratios, in the columns of `IMPACT`."""
    return tuple(
        (
            name,
            percent(group.share),
            figure(group.of_highest, 3),
            "unknown" if group.of_highest is None else "yes" if group.of_highest < FOUR_FIFTHS else "no",
            "left out" if group.share < LEFT_OUT else figure(group.impact_ratio, 3),
        )
        for name, group in _named(bias)
    )


def scores(bias: Bias) -> Cells:
    """How predictions are distributed, in the columns of `SCORES`."""
    return tuple((name, f"{g.rows:,}", *(f"{each:,}" for each in g.scores)) for name, g in _named(bias) if g.scores)


def verdict(each: GroupMeasure) -> str:
    """A verdict with its reason: `cannot be checked: only a ratio under 0.30 would show`."""
    words = each.verdict.replace("_", " ")
    return f"{words}: {each.note}" if each.note else words


def _named(bias: Bias) -> list[tuple[str, GroupBias]]:
    return [(f"{column.by} {group.value}", group) for column, group in bias.groups]


def _rate(group: GroupBias) -> tuple[str, ...]:
    rate = group.measure(SELECTION_RATE)
    if rate is None:
        return (f"{group.rows:,}", *("–",) * (len(RATES) - 3), f"unknown: {group.note}")
    low, high = figure(rate.ci_low, 3), figure(rate.ci_high, 3)
    return (
        f"{rate.rows:,}",
        "–" if rate.value is None else percent(rate.value),
        _own_interval(rate),
        "–" if rate.others is None else percent(rate.others),
        figure(rate.change, 3),
        "–" if rate.ci_low is None else f"{low} to {high}",
        figure(group.live_ratio, 3),
        chance(rate.p_value),
        verdict(rate),
    )


def _own_interval(each: GroupMeasure) -> str:
    """The interval of the group's own rate; – if it has none."""
    if each.value_low is None or each.value_high is None:
        return "–"
    return f"{percent(each.value_low)} to {percent(each.value_high)}"


def _limit(each: GroupMeasure) -> str:
    """Which changes are not accepted: `under 0.8`, `over +0.02`, `beyond ±0.02`."""
    if each.is_ratio:
        return f"{'over' if each.worse == 'higher' else 'under'} {figure(each.limit, 3)}"
    sides = {"higher": "over +", "lower": "under −", "either": "beyond ±"}
    return f"{sides[each.worse or 'either']}{figure(each.limit, 3)}"


def _gated(each: GroupMeasure) -> tuple[str, ...]:
    shown = partial(shown_change, each)
    return (
        *_values(each),
        shown(each.change),
        "–" if each.ci_low is None else f"{shown(each.ci_low)} to {shown(each.ci_high)}",
        _limit(each),
        shown(each.live),
        chance(each.p_value),
        verdict(each),
    )


def _values(each: GroupMeasure) -> tuple[str, ...]:
    return (
        each.name.replace("_", " "),
        f"{each.rows:,}",
        figure(each.value, 4),
        _own_interval(each),
        figure(each.others, 4),
    )


def _measure(each: GroupMeasure) -> tuple[str, ...]:
    return (
        *_values(each),
        change(each.change),
        between(each.ci_low, each.ci_high),
        chance(each.p_value),
        verdict(each),
    )
