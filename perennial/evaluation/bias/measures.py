"""Each group's measures beside those of all others, with standard errors that count clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.bias.outcomes import Outcomes
from perennial.evaluation.bias.results import REPRESENTATION, SELECTION_RATE, GroupMeasure
from perennial.evaluation.figures import UNITS
from perennial.evaluation.intervals.cluster_interval import too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.intervals.cv3 import cv3
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.two_way import second_clusters, two_way
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import Clusters
from perennial.evaluation.slices import variance_ratio
from perennial.evaluation.weights import mean_of, relative, weighed

HARM = 0.4
"""A difference of this share of the value of all rows is to be detected."""
HARM_OF_RATIO = 0.75
"""A selection rate ratio of this share of the declared one is to be detected: .6 of .8."""


@dataclass(frozen=True)
class Rows:
    """The rows of one model: what its predictions mean, labels and predictions for the loss, and the clusters."""

    outcomes: Outcomes
    y: FloatArray
    p: FloatArray
    clusters: Clusters
    metric: Metric


@dataclass(frozen=True)
class _Mean:
    """The mean of `values` over the rows where `of` is 1, both of shape (n,). harm_of: what `harm` is a share of."""

    name: str
    values: FloatArray
    of: FloatArray
    is_rate: bool = False
    harm_of: FloatArray | None = None


def measures_of(rows: Rows, mine: FloatArray, others: FloatArray, ratio: float) -> tuple[GroupMeasure, ...]:
    """Every measure of one group. mine, others: shape (n,), 1 for the rows of the group and of all other groups.

    ratio: the declared limit of the selection rate ratio.
    """
    return (*(_compared(rows, mean, mine, others, ratio) for mean in _means(rows.outcomes)), _loss(rows, mine, others))


def ratio_of(rows: Rows, mine: FloatArray, others: FloatArray) -> float | None:
    """The selection rate ratio alone; None if nobody else is selected."""
    weights = rows.clusters.weights
    rate, of_others = (_mean(rows.outcomes.selected, each, weights) if each.any() else None for each in (mine, others))
    return rate / of_others if rate is not None and of_others else None


def representation(clusters: Clusters, mine: FloatArray, known: FloatArray, declared: float) -> GroupMeasure:
    """The group's share of the rows with a known group beside its declared share of the population.

    mine, known: shape (n,), 1 for the rows of the group, and for those whose group is known.
    """
    share = _mean(mine, known, clusters.weights)
    influence = _influence(mine, known, share, clusters.weights)
    count = int(mine.sum())
    plain = GroupMeasure(
        name=REPRESENTATION,
        rows=count,
        clusters=clusters_in(clusters, known),
        value=share,
        others=declared,
        change=share - declared,
        harm=HARM * declared,
    )
    floor = declared * (1 - declared) / float(known.sum())
    return _with_errors(plain, clusters, influence, known, floor)


def clusters_in(clusters: Clusters, rows: FloatArray) -> int:
    """In how many clusters the rows are; with a second clustering, the smaller number."""
    there = rows > 0
    number = np.unique(clusters.codes[there]).size
    return int(number if clusters.second is None else min(number, np.unique(clusters.second[1][there]).size))


def _means(of: Outcomes) -> Iterator[_Mean]:
    every = np.ones(of.score.size)
    yield _Mean(SELECTION_RATE, of.selected, every, True)
    if of.deserved is not None:
        yield _Mean("false_positive_rate", of.selected, 1 - of.deserved, True)
        yield _Mean("false_negative_rate", 1 - of.selected, of.deserved, True)
    yield _Mean("mean_prediction", of.score, every)
    yield _Mean("calibration", of.score - of.truth, every, harm_of=of.truth)


def _compared(rows: Rows, mean: _Mean, mine: FloatArray, others: FloatArray, ratio: float) -> GroupMeasure:
    clusters = rows.clusters
    weights, of_mine, of_others = clusters.weights, mine * mean.of, others * mean.of
    count = int(of_mine.sum())
    plain = GroupMeasure(name=mean.name, rows=count, clusters=clusters_in(clusters, of_mine))
    if not count or not of_others.any():
        whose = "the group" if not count else "the others"
        return plain.model_copy(update={"note": f"no row of {whose} can be counted"})
    value, other = _mean(mean.values, of_mine, weights), _mean(mean.values, of_others, weights)
    influences = (
        _influence(mean.values, of_mine, value, weights),
        _influence(mean.values, of_others, other, weights),
    )
    if mean.name == SELECTION_RATE:
        return _ratio(plain, clusters, value, other, influences, of_mine, ratio)
    both = of_mine + of_others
    harm_of = _mean(mean.values if mean.harm_of is None else mean.harm_of, both, weights)
    known = plain.model_copy(
        update={"value": value, "others": other, "change": value - other, "harm": HARM * abs(harm_of)}
    )
    # Not narrower than for independent rows: a rate of 0 in a small group shows no spread.
    floor = other * (1 - other) / count if mean.is_rate else 0.0
    return _with_errors(known, clusters, influences[0] - influences[1], of_mine, floor)


def _ratio(
    plain: GroupMeasure,
    clusters: Clusters,
    value: float,
    other: float,
    influences: tuple[FloatArray, FloatArray],
    of: FloatArray,
    ratio: float,
) -> GroupMeasure:
    """The logarithm of a ratio is nearly normal. Source: Katz, Baptista, Azen & Pike (1978), Obtaining confidence
    intervals for the risk ratio in cohort studies; here with the variance of clusters."""
    update = {"value": value, "others": other}
    if other == 0:
        return plain.model_copy(update={**update, "note": "nobody of the others is selected"})
    rate = inside(value, plain.rows)
    influence = influences[0] / rate - influences[1] / other
    floor = (1 - rate) / (rate * plain.rows)
    known = plain.model_copy(update={**update, "change": value / other, "harm": HARM_OF_RATIO * ratio})
    return _with_errors(known, clusters, influence, of, floor)


def inside(rate: float, rows: int) -> float:
    """A rate that is at least half a row away from 0 and from 1, so that its logarithm exists."""
    return min(max(rate, 0.5 / rows), 1 - 0.5 / rows)


def _loss(rows: Rows, mine: FloatArray, others: FloatArray) -> GroupMeasure:
    """The primary metric on the group and on all others."""
    clusters, n = rows.clusters, rows.y.size
    plain = GroupMeasure(name="loss", rows=int(mine.sum()), clusters=clusters_in(clusters, mine))
    places = [np.flatnonzero(of) for of in (mine, others, mine + others)]
    try:
        (value, of_mine), (other, of_others), (whole, _) = (_loss_on(rows, each) for each in places)
    except Undefined as why:
        return plain.model_copy(update={"note": str(why)})
    influence = np.zeros(n)
    influence[places[0]], influence[places[1]] = of_mine * (n / of_mine.size), -of_others * (n / of_others.size)
    known = plain.model_copy(
        update={"value": value, "others": other, "change": value - other, "harm": HARM * abs(whole)}
    )
    return _with_errors(known, clusters, influence, mine, 0.0)


def _loss_on(rows: Rows, places: IntArray) -> tuple[float, FloatArray]:
    """The primary metric on some rows, and their influence. Raises Undefined."""
    weights = rows.clusters.weights
    part = None if weights is None else relative(weights[places])
    return rows.metric.on(places).measured(rows.y[places], rows.p[places], part)


def _mean(values: FloatArray, of: FloatArray, weights: FloatArray | None) -> float:
    places = of > 0
    return mean_of(values[places], None if weights is None else weights[places])


def _influence(values: FloatArray, of: FloatArray, mean: float, weights: FloatArray | None) -> FloatArray:
    return weighed(of * (values - mean) / mean_of(of, weights), weights)


def _with_errors(
    known: GroupMeasure, clusters: Clusters, influence: FloatArray, of: FloatArray, floor: float
) -> GroupMeasure:
    """The measure with its own standard error, or with the reason why it has none. floor: the least variance."""
    if few := too_few_clusters(known.clusters, clusters.name):
        return known.model_copy(update={"verdict": "cannot_be_checked", "note": few})
    sums = sums_of_clusters(influence, clusters.codes, clusters.counts.size)
    in_units = clusters.name in UNITS
    alone = day_t(0.0, sums, clusters.sizes) if in_units else cv3(0.0, sums, clusters.sizes)
    if alone is None:
        return known.model_copy(update={"verdict": "cannot_be_checked", "note": "too few clusters"})
    if clusters.second is not None:
        name, codes = clusters.second
        alone = two_way(0.0, alone, second_clusters(influence, clusters.codes, codes, name, clusters.weights))
    se = max(alone.se**2, floor) ** 0.5
    return known.model_copy(
        update={"own_se": se, "variance_ratio": variance_ratio(sums, clusters.sizes, clusters.name)}
    )
