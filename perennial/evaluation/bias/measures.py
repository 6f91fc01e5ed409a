"""Each group's measures beside those of all others, with standard errors that count clusters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.bias.limits import HARM, Limits
from perennial.evaluation.bias.outcomes import Outcomes
from perennial.evaluation.bias.part import Part
from perennial.evaluation.bias.results import (
    CALIBRATION,
    FALSE_NEGATIVE_RATE,
    FALSE_POSITIVE_RATE,
    LOSS,
    RATES,
    REPRESENTATION,
    SELECTION_RATE,
    TRUE_POSITIVE_RATE,
    GroupMeasure,
)
from perennial.evaluation.bias.spread import with_errors, with_own_interval
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import relative


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
    """The mean of `values`, shape (n,), over the rows where `of`, shape (n,), is 1; over all rows without it.

    harm_of: shape (n,), of whose mean `harm` is a share.
    """

    name: str
    values: FloatArray
    of: FloatArray | None
    harm_of: FloatArray

    def of_rows(self, part: Part) -> float:
        """The mean over rows of which all are among `of`."""
        return part.share_of(self.values) if self.name in RATES else part.mean(self.values)


@dataclass(frozen=True)
class Measures:
    """The measures of the groups of one column. known: the rows whose group is known."""

    rows: Rows
    known: Part
    limits: Limits

    def of(self, mine: Part, others: Part, live: Measures | None) -> tuple[GroupMeasure, ...]:
        """Every measure of one group. mine, others: the rows of the group and of all other groups; live: of the model
        that is live."""
        measures = (*(self._compared(mean, mine, others) for mean in self._means), self._loss(mine, others))
        if live is None:
            return measures
        return tuple(
            each if each.limit is None else each.model_copy(update={"live": live.change_of(each.name, mine, others)})
            for each in measures
        )

    def change_of(self, name: str, mine: Part, others: Part) -> float | None:
        """The change of one measure alone; None if it is unknown."""
        if name == LOSS:
            return self._loss(mine, others).change
        (mean,) = (each for each in self._means if each.name == name)
        mine, others = mine.those(mean.of), others.those(mean.of)
        if not mine.size or not others.size:
            return None
        value, other = mean.of_rows(mine), mean.of_rows(others)
        if self.limits.by_ratio(name):
            return value / other if other else None
        return value - other

    @cached_property
    def _means(self) -> tuple[_Mean, ...]:
        of = self.rows.outcomes
        missed = 1 - of.selected
        errors = (
            []
            if of.deserved is None
            else [
                _Mean(FALSE_POSITIVE_RATE, of.selected, 1 - of.deserved, of.selected),
                _Mean(FALSE_NEGATIVE_RATE, missed, of.deserved, missed),
            ]
        )
        if of.deserved is not None and self.limits.gates(TRUE_POSITIVE_RATE):
            errors.append(_Mean(TRUE_POSITIVE_RATE, of.selected, of.deserved, of.selected))
        return (
            _Mean(SELECTION_RATE, of.selected, None, of.selected),
            *errors,
            _Mean("mean_prediction", of.score, None, of.score),
            _Mean(CALIBRATION, of.score - of.truth, None, of.truth),
        )

    @cached_property
    def _values_of_all(self) -> dict[str, float]:
        """What the harm of each measure that is a difference is a share of."""
        rows = [(mean, self.known.those(mean.of)) for mean in self._means if not self.limits.by_ratio(mean.name)]
        return {mean.name: abs(there.mean(mean.harm_of)) for mean, there in rows if there.size}

    def _compared(self, mean: _Mean, every_mine: Part, every_other: Part) -> GroupMeasure:
        mine, others = every_mine.those(mean.of), every_other.those(mean.of)
        plain = GroupMeasure(name=mean.name, rows=mine.size, clusters=mine.number_of_clusters)
        if not mine.size or not others.size:
            whose = "the group" if not mine.size else "the others"
            return plain.model_copy(update={"note": f"no row of {whose} can be counted"})
        value, other = mean.of_rows(mine), mean.of_rows(others)
        influences = mine.influence(mean.values, value), others.influence(mean.values, other)
        known = plain.model_copy(update={"value": value, "others": other})
        by_ratio = self.limits.by_ratio(mean.name)
        if by_ratio and other == 0:
            none = "nobody of the others is selected" if mean.name == SELECTION_RATE else "the rate of the others is 0"
            return known.model_copy(update={"note": none})
        if by_ratio:
            # The logarithm of a ratio is nearly normal. Source: Katz, Baptista, Azen & Pike (1978), Obtaining
            # confidence intervals for the risk ratio in cohort studies; here with the variance of clusters.
            rate = inside(value, mine.size)
            known = known.model_copy(update=self.limits.of_ratio(mean.name, value / other))
            parts = (mine, influences[0] / rate), (others, -(influences[1] / other))
            floor = (1 - rate) / (rate * mine.size)
        else:
            known = known.model_copy(
                update=self.limits.of_difference(mean.name, value - other, self._values_of_all[mean.name])
            )
            parts = (mine, influences[0]), (others, -influences[1])
            # Not narrower than for independent rows: a rate of 0 in a small group shows no spread.
            floor = other * (1 - other) / mine.size if mean.name in RATES else 0.0
        made = with_errors(known, self.rows.clusters, parts, floor)
        return with_own_interval(made, mine, influences[0]) if mean.name in RATES else made

    def _loss(self, mine: Part, others: Part) -> GroupMeasure:
        """The primary metric on the group and on all others."""
        n = self.rows.y.size
        plain = GroupMeasure(name=LOSS, rows=mine.size, clusters=mine.number_of_clusters)
        try:
            (value, of_mine), (other, of_others) = (self._loss_on(each.places) for each in (mine, others))
            whole = self._loss_of_all
        except Undefined as why:
            return plain.model_copy(update={"note": str(why)})
        known = plain.model_copy(
            update={
                "value": value,
                "others": other,
                **self.limits.of_difference(LOSS, value - other, abs(whole), self.rows.metric.direction),
            }
        )
        parts = (mine, of_mine * (n / mine.size)), (others, -of_others * (n / others.size))
        return with_errors(known, self.rows.clusters, parts, 0.0)

    @cached_property
    def _loss_of_all(self) -> float:
        return self._loss_on(self.known.places)[0]

    def _loss_on(self, places: IntArray) -> tuple[float, FloatArray]:
        """The primary metric on some rows, and their influence. Raises Undefined."""
        weights = self.rows.clusters.weights
        part = None if weights is None else relative(weights[places])
        return self.rows.metric.on(places).measured(self.rows.y[places], self.rows.p[places], part)


def representation(mine: Part, known: Part, declared: float) -> GroupMeasure:
    """The group's share of the rows with a known group beside its declared share of the population."""
    member = np.zeros(known.clusters.codes.size)
    member[mine.places] = 1.0
    share = known.mean(member)
    plain = GroupMeasure(
        name=REPRESENTATION,
        rows=mine.size,
        clusters=known.number_of_clusters,
        value=share,
        others=declared,
        change=share - declared,
        harm=HARM * declared,
    )
    floor = declared * (1 - declared) / known.size
    return with_errors(plain, known.clusters, [(known, known.influence(member, share))], floor)


def inside(rate: float, rows: int) -> float:
    """A rate that is at least half a row away from 0 and from 1, so that its logarithm exists."""
    return min(max(rate, 0.5 / rows), 1 - 0.5 / rows)
