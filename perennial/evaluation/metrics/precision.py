"""Precision: the share of positive rows among the flagged ones."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.decided import CUT, decided_at, flagged_needed, of_either
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.weights import mean_of, relative, weighed

MIN_FLAGGED = 200


def at(cut: float) -> Metric:
    """Precision θ with d = 1{p ≥ cut}; influence d(y − θ)/d̄. Unit: share of the flagged rows.

    y: shape (n,), 0 or 1. p: shape (n,), probability of 1. Raises Undefined if no row is flagged.
    Source: scikit-learn's `precision_score`; the influence by the delta method.

    >>> import numpy as np
    >>> value, influence = at(0.5).value_and_influence(np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.2, 0.8]))
    >>> value, influence.tolist()
    (0.5, [0.75, 0.0, -0.75])
    """

    def precision(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        decided, shares = decided_at(p, cut), relative(weights)
        share = mean_of(decided, shares)
        if share == 0:
            raise Undefined(f"none of {y.size:,} rows is predicted at or above the cut {cut:g}")
        value = mean_of(y * decided, shares) / share
        return value, weighed(decided * (y - value) / share, shares)

    bound = flagged_needed(MIN_FLAGGED, cut)
    return Metric("precision", ("binary",), "higher", precision, of_either(bound), bound)


METRIC = at(CUT)
