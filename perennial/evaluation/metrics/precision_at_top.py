"""Precision at a top share: how many of the most likely rows are positive, if only that many can be acted on."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.fixed_point import exact_mean, exact_sum
from perennial.evaluation.metrics.decided import of_either, positives_needed
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.metrics.ties import sums_of_ties, tie_groups
from perennial.evaluation.weights import relative

TOP = 0.1
BESIDE = 100
MIN_POSITIVES = 60


def at(share: float) -> Metric:
    """The share θ of positive rows among the `share` of rows with the highest scores. Unit: share of these.

    d is 1 above the cut, 0 below; rows with the score at the cut share the remaining places. The influence
    [d(y − θ) − (m − θ)(d − k)]/k, k the share, accounts for the sampling error of the cut: m is the base rate among
    the rows with that score and 1 % of the rows on either side of it.
    y: shape (n,), 0 or 1. p: shape (n,), any score that is higher for more likely rows.
    With weights, it is the share of the weight with the highest scores, and positive weight counts.
    Raises Undefined if the share is less than one row.
    Source: the influence of a mean above an estimated quantile, by the delta method.

    >>> value, influence = at(0.5).value_and_influence(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.5, 0.5, 0.1]))
    >>> value, influence.tolist()
    (0.75, [0.75, 0.25, -0.75, -0.25])
    """

    def precision_at_top(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        place = share * y.size
        if place < 1:
            raise Undefined(f"{share:.3g} of {y.size:,} rows is less than one row")
        shares = relative(weights)
        if shares is not None:
            return _of_weight(y, p, shares, share)
        order = np.argsort(-p)
        ranked = p[order]
        last = min(int(np.ceil(place - 1e-9)), y.size) - 1
        above = int(np.searchsorted(-ranked, -ranked[last], side="left"))
        through = int(np.searchsorted(-ranked, -ranked[last], side="right"))
        within = (place - above) / (through - above)
        decided = np.empty(y.size)
        decided[order] = np.repeat([1.0, within, 0.0], [above, through - above, y.size - through])
        value = exact_sum(decided * y) / place
        beside = y.size // BESIDE
        # The order of rows with equal scores is arbitrary, so each counts with the base rate of its score.
        tie = tie_groups(p)
        rate = (np.bincount(tie, weights=y) / np.bincount(tie))[tie]
        near = exact_mean(rate[order[max(above - beside, 0) : through + beside]])
        return value, (decided * (y - value) - (near - value) * (decided - share)) / share

    bound = positives_needed(MIN_POSITIVES)
    return Metric("precision_at_top", ("binary",), "higher", precision_at_top, of_either(bound), bound)


def _of_weight(y: FloatArray, p: FloatArray, weights: FloatArray, share: float) -> tuple[float, FloatArray]:
    """The same of weighted rows: places in the ranking are sums of weight. weights: with mean 1."""
    tie = tie_groups(-p)
    size = sums_of_ties(tie, np.ones(y.size), weights)
    rate = sums_of_ties(tie, y, weights) / size
    through = np.cumsum(size)
    above, whole = through - size, float(through[-1])
    place = share * whole
    last = min(int(np.searchsorted(through, place - 1e-9)), through.size - 1)
    taken = np.clip((place - above) / size, 0.0, 1.0)
    value = float((taken * size * rate).sum()) / place
    beside = y.size // BESIDE / y.size * whole
    near = np.clip(np.minimum(through, through[last] + beside) - np.maximum(above, above[last] - beside), 0.0, None)
    event_rate = float((near * rate).sum() / near.sum())
    decided = taken[tie]
    return value, weights * (decided * (y - value) - (event_rate - value) * (decided - share)) / share


METRIC = at(TOP)
