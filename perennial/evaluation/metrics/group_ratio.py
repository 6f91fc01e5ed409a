"""How evenly a model treats the groups of a column: the lowest group rate over the highest; 1 is even."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.figures import counted
from perennial.evaluation.metrics.decided import CUT, decided_at, of_either
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.weights import mean_of, relative, weighed

MIN_SELECTED = 200

Rate = Literal["selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate"]


def ratio_of_rates(
    chosen: FloatArray,
    of: FloatArray,
    group: IntArray,
    numerator: int,
    denominator: int,
    weights: FloatArray | None = None,
) -> tuple[float, FloatArray]:
    """A/B, the rates of two groups, and each row's influence θ[g(d − A)/(aA) − h(d − B)/(bB)].

    chosen: shape (n,), d. of: shape (n,), 1 for the rows that the rate is taken over. group: shape (n,), codes.
    g, h: whether a row counts in the numerator's and denominator's rate, a and b their shares of all rows.
    Raises Undefined if a group has no row, or if no row of the denominator is chosen.

    >>> y = np.ones(4)
    >>> ratio_of_rates(np.array([1.0, 0.0, 1.0, 1.0]), y, np.array([0, 0, 1, 1]), 0, 1)[0]
    0.5
    """
    parts, shares = [], relative(weights)
    for code in (numerator, denominator):
        rows = (group == code) * of
        share = mean_of(rows, shares)
        if share == 0:
            raise Undefined(f"group {code} has no row to take a rate of")
        rate = mean_of(rows * chosen, shares) / share
        parts.append((rate, weighed(rows * (chosen - rate) / share, shares)))
    (above, influence_above), (below, influence_below) = parts
    if below == 0:
        raise Undefined("no row of the group with the higher rate is chosen")
    value = above / below
    return value, influence_above / below - value * influence_below / below


def least_over_largest(
    chosen: FloatArray, of: FloatArray, group: IntArray, weights: FloatArray | None = None
) -> tuple[float, FloatArray]:
    """The lowest group rate over the highest, 0 to 1 (1 is even), and each row's influence.

    group: shape (n,), codes from 0; −1 for a row without a group. Raises Undefined if fewer than two groups have rows,
    or if no row of any group is chosen.
    """
    inside, shares = group >= 0, relative(weights)
    rows = np.bincount(group[inside], weights=weighed(of, shares)[inside])
    there = np.flatnonzero(rows)
    if there.size < 2:
        raise Undefined(f"{counted(int(there.size), 'group has', 'groups have')} rows; two are needed")
    rate = np.bincount(group[inside], weights=weighed(of * chosen, shares)[inside])[there] / rows[there]
    if rate.max() == 0:
        raise Undefined("no row of any group is chosen")
    return ratio_of_rates(chosen, of, group, int(there[rate.argmin()]), int(there[rate.argmax()]), shares)


def _chosen_of(rate: Rate, y: FloatArray, p: FloatArray, cut: float) -> tuple[FloatArray, FloatArray]:
    """The rows that a rate counts, and the rows that it is taken over."""
    decided = decided_at(p, cut)
    if rate == "selection_rate":
        return decided, np.ones(y.size)
    if rate == "true_positive_rate":
        return decided, y
    if rate == "false_positive_rate":
        return decided, 1 - y
    return 1 - decided, y


def among(group: IntArray, names: Sequence[str], *, rate: Rate = "selection_rate", cut: float = CUT) -> Metric:
    """The ratio of a rate over the groups of a column, with d = 1{p ≥ cut}: fairlearn's `<rate>_ratio`.

    group: shape (n,), each row's group, 0..K−1, or −1 for none. names: of the K groups.
    rate: the selection rate is taken over all rows of a group, the others over its positives or negatives; the false
    negative rate counts the rows that are not selected.
    Decidable from 200 counted rows in each group, for each model.
    Source: fairlearn.metrics, `selection_rate_ratio` (with two groups also `demographic_parity_ratio`) and the others.
    """

    def value_and_influence(
        y: FloatArray, p: FloatArray, weights: FloatArray | None = None
    ) -> tuple[float, FloatArray]:
        return least_over_largest(*_chosen_of(rate, y, p, cut), group, weights)

    def too_few(y: FloatArray, p: FloatArray) -> str | None:
        chosen, of = _chosen_of(rate, y, p, cut)
        inside = group >= 0
        counts = np.bincount(group[inside], weights=(chosen * of)[inside], minlength=len(names)).astype(int)
        if not counts.size:
            return "no row has a group"
        least = int(counts.argmin())
        if counts[least] >= MIN_SELECTED:
            return None
        what = "selected" if rate == "selection_rate" else f"counted by the {rate.replace('_', ' ')}"
        return f"{counted(int(counts[least]), 'row', 'rows')} {what} of group {names[least]}; {MIN_SELECTED} needed"

    def of_some(places: IntArray) -> Metric:
        return among(group[places], names, rate=rate, cut=cut)

    either = of_either(too_few)
    return Metric(f"{rate}_ratio", ("binary",), "higher", value_and_influence, either, too_few, of_some=of_some)
