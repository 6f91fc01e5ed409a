"""Slices: whether the challenger harms the rows of one value of a column, however good it is overall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray, Sizes
from perennial.evaluation.figures import UNITS, change, counted, figure, interval_in_words, percent
from perennial.evaluation.intervals.cluster_interval import too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.intervals.cv3 import cv3
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.mde import ALPHA, minimal_detectable_effect
from perennial.evaluation.intervals.pooled import cosine_and_day
from perennial.evaluation.intervals.student_t import LEVEL, p_at_most, student_t
from perennial.evaluation.judgement import gain_of
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import Paired
from perennial.evaluation.results import SliceResult

NAMED = 3


@dataclass(frozen=True)
class Sliced:
    """A column and each row's position among its values.

    codes: shape (n,), 0..K−1, −1 for a row without a value. values: the K values, as text.
    """

    column: str
    values: tuple[str, ...]
    codes: IntArray


def compare_slices(
    metric: Metric, rows: Paired, slices: Sequence[Sliced], *, harm: float = 0.1, of_all: float | None = None
) -> tuple[SliceResult, ...]:
    """The gain on each slice, and whether it is a proven loss; ordered by column, then value.

    harm: the loss to detect, as a share of the champion's value on a slice. of_all: the `variance_ratio` of all rows.
    """
    measured = [
        _measured(metric.on(places), rows.at(places), each.column, value, harm)
        for each in slices
        for value, places in _rows_of(each)
    ]
    return judge_slices(measured, of_all)


def variance_ratio(sums: FloatArray, counts: Sizes, cluster_by: str) -> float | None:
    """EWC variance over day variance of the clusters' sums, shape (T,): how similar neighbouring days are, or None."""
    both = cosine_and_day(sums, counts) if cluster_by in UNITS else None
    return (both[0] / both[1]) ** 2 if both else None


def judge_slices(slices: Sequence[SliceResult], of_all: float | None) -> tuple[SliceResult, ...]:
    """Intervals, p-values and verdicts from each slice's gain, its own standard error and its variance ratio.

    A slice has too few days to estimate by itself how similar neighbouring days are, so all slices share one factor:
    the mean of their EWC over their day variances, or that of all rows together (`of_all`) if it is larger, at least
    1. The mean alone is not enough if days move all slices at once: at ρ = .5 a family of 20 erred in 9.7 %.
    Harm is proven by Holm's test over all slices at 5 %. A slice without proven harm is not decidable if the harm to
    detect would not have been detected in 4 of 5 such samples.
    Source: Holm (1979); the shared factor is our own.
    """
    ratios = [each.variance_ratio for each in slices if each.variance_ratio is not None]
    factor = max(1.0, float(np.mean(ratios)) if ratios else 1.0, of_all or 1.0)
    tested = [each for each in slices if each.own_se is not None]
    adjusted = iter(holm([_p_harm(each, factor) for each in tested]))
    return tuple(
        _judged(each, factor, next(adjusted), len(tested)) if each.own_se is not None else each for each in slices
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: rejecting those below α keeps the family-wise error at α.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def slices_in_words(slices: Sequence[SliceResult]) -> tuple[Literal["passed", "blocked"], str]:
    """The slices' combined result in a sentence: proven harm on any slice blocks."""
    harmed = [each for each in slices if each.verdict == "worse"]
    unseen = [each for each in slices if each.verdict == "not_decidable"]
    if harmed:
        worst = "; ".join(
            f"{each.column} {each.value}: gain {change(each.gain)} "
            f"({interval_in_words(each.ci_low, each.ci_high, change)}, {counted(each.rows, 'row', 'rows')})"
            for each in harmed[:NAMED]
        )
        more = f", and {len(harmed) - NAMED} more" if len(harmed) > NAMED else ""
        return "blocked", (
            f"Slices block: {len(harmed)} of {len(slices)} proven worse (Holm's test at {percent(ALPHA)}): "
            f"{worst}{more}."
        )
    hidden = f"; {len(unseen)} cannot be checked on so few rows" if unseen else ""
    return "passed", f"Slices pass: none of {len(slices)} is proven worse (Holm's test at {percent(ALPHA)}){hidden}."


def _rows_of(each: Sliced) -> list[tuple[str, IntArray]]:
    order = np.argsort(each.codes, kind="stable")
    ends = np.searchsorted(each.codes[order], np.arange(len(each.values) + 1))
    return [(value, order[ends[code] : ends[code + 1]]) for code, value in enumerate(each.values)]


def _measured(metric: Metric, rows: Paired, column: str, value: str, harm: float) -> SliceResult:
    clusters, counts = rows.clusters, rows.clusters.counts
    plain = SliceResult(column=column, value=value, rows=rows.y.size, clusters=counts.size, metric=metric.name)
    try:
        before, influence_before = metric.measured(rows.y, rows.champion, clusters.weights)
        after, influence_after = metric.measured(rows.y, rows.challenger, clusters.weights)
    except Undefined as why:
        return plain.model_copy(update={"note": str(why)})
    gain = gain_of(metric.direction, before, after)
    values = {"champion": before, "challenger": after, "gain": gain, "harm": harm * abs(before)}
    few = too_few_clusters(counts.size, clusters.name)
    why_not = few or metric.undecidable(rows.y, rows.champion, rows.challenger)
    if why_not:
        return plain.model_copy(update={**values, "note": why_not})
    influence = gain_of(metric.direction, influence_before, influence_after)
    sums = sums_of_clusters(influence, clusters.codes, counts.size)
    alone = day_t(gain, sums, clusters.sizes) if clusters.name in UNITS else cv3(gain, sums, clusters.sizes)
    ratio = variance_ratio(sums, clusters.sizes, clusters.name)
    return plain.model_copy(update={**values, "own_se": alone.se if alone else None, "variance_ratio": ratio})


def _p_harm(each: SliceResult, factor: float) -> float:
    assert each.gain is not None and each.own_se is not None
    return p_at_most(-each.gain, each.own_se * factor**0.5, each.clusters - 1, 0.0)


def _judged(each: SliceResult, factor: float, p_harm: float, tested: int) -> SliceResult:
    assert each.gain is not None and each.own_se is not None and each.harm is not None
    interval = student_t(each.gain, each.own_se * factor**0.5, float(each.clusters - 1), level=LEVEL)
    mde = minimal_detectable_effect(interval.se, interval.df, alpha=ALPHA / tested)
    worse, hidden = p_harm < ALPHA, mde > each.harm
    note = f"a loss under {figure(mde, 3)} would most likely stay unseen; {figure(each.harm, 3)} is looked for"
    return each.model_copy(
        update={
            "se": interval.se,
            "df": interval.df,
            "ci_low": interval.ci_low,
            "ci_high": interval.ci_high,
            "p_harm": p_harm,
            "mde": mde,
            "verdict": "worse" if worse else "not_decidable" if hidden else "no_difference_shown",
            "note": note if hidden and not worse else "",
        }
    )
