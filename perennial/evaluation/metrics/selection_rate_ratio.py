"""Selection-rate ratio: how evenly a model says yes to the groups of a column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.figures import counted
from perennial.evaluation.metrics.decided import CUT, decided_at, of_either
from perennial.evaluation.metrics.metric import Metric, Undefined

MIN_SELECTED = 200


def ratio_of_rates(
    chosen: FloatArray, of: FloatArray, group: IntArray, numerator: int, denominator: int
) -> tuple[float, FloatArray]:
    """A/B, the rates of two groups, and each row's influence θ[g(d − A)/(aA) − h(d − B)/(bB)].

    chosen: shape (n,), d. of: shape (n,), 1 for the rows that a rate is over. group: shape (n,), codes.
    g, h: whether a row counts in the numerator's and denominator's rate, a and b their shares of all rows.
    Raises Undefined where a group has no row, or the denominator none that is chosen.

    >>> y = np.ones(4)
    >>> ratio_of_rates(np.array([1.0, 0.0, 1.0, 1.0]), y, np.array([0, 0, 1, 1]), 0, 1)[0]
    0.5
    """
    parts = []
    for code in (numerator, denominator):
        rows = (group == code) * of
        share = float(rows.mean())
        if share == 0:
            raise Undefined(f"group {code} has no row to take a rate of")
        rate = float((rows * chosen).mean()) / share
        parts.append((rate, rows * (chosen - rate) / share))
    (above, influence_above), (below, influence_below) = parts
    if below == 0:
        raise Undefined("no row of the group with the higher rate is chosen")
    value = above / below
    return value, influence_above / below - value * influence_below / below


def least_over_largest(chosen: FloatArray, of: FloatArray, group: IntArray) -> tuple[float, FloatArray]:
    """The smallest group's rate over the largest's, 0 to 1 (1 is even), and each row's influence.

    Raises Undefined where there are fewer than two groups with rows, or nothing is chosen in any.
    Source: fairlearn's `demographic_parity_ratio`.
    """
    rows = np.bincount(group, weights=of)
    there = np.flatnonzero(rows)
    if there.size < 2:
        raise Undefined(f"{counted(int(there.size), 'group has', 'groups have')} rows; two are needed")
    rate = np.bincount(group, weights=of * chosen)[there] / rows[there]
    if rate.max() == 0:
        raise Undefined("no row of any group is chosen")
    return ratio_of_rates(chosen, of, group, int(there[rate.argmin()]), int(there[rate.argmax()]))


def among(group: IntArray, names: Sequence[str], *, cut: float = CUT) -> Metric:
    """The selection-rate ratio over the groups of a column, with d = 1{p ≥ cut}.

    group: shape (n,), each row's group, 0..K−1. names: of the K groups.
    Decidable from 200 rows selected in each group, by each model.
    """

    def value_and_influence(y: FloatArray, p: FloatArray) -> tuple[float, FloatArray]:
        return least_over_largest(decided_at(p, cut), np.ones(y.size), group)

    def too_few_selected(y: FloatArray, p: FloatArray) -> str | None:
        selected = np.bincount(group, weights=decided_at(p, cut), minlength=len(names)).astype(int)
        least = int(selected.argmin())
        if selected[least] >= MIN_SELECTED:
            return None
        return f"{counted(int(selected[least]), 'row', 'rows')} selected of group {names[least]}; {MIN_SELECTED} needed"

    return Metric(
        "selection_rate_ratio",
        ("binary",),
        "higher",
        value_and_influence,
        of_either(too_few_selected),
        too_few_selected,
    )
