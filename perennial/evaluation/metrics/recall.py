"""Recall: the share of flagged rows among the positive ones."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.decided import CUT, decided_at, of_either, positives_needed
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.weights import mean_of, relative, weighed

MIN_POSITIVES = 200


def at(cut: float) -> Metric:
    """Recall θ with d = 1{p ≥ cut}; influence y(d − θ)/π, π the base rate. Unit: share of positive rows.

    y: shape (n,), 0 or 1. p: shape (n,), probability of 1. Raises Undefined without a positive row.
    Source: scikit-learn's `recall_score`; the influence by the delta method.

    >>> import numpy as np
    >>> value, influence = at(0.5).value_and_influence(np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.2, 0.8]))
    >>> value, influence.tolist()
    (0.5, [0.75, -0.75, 0.0])
    """

    def recall(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        shares = relative(weights)
        rate = mean_of(y, shares)
        if rate == 0:
            raise Undefined(f"none of {y.size:,} rows is positive")
        decided = decided_at(p, cut)
        value = mean_of(y * decided, shares) / rate
        return value, weighed(y * (decided - value) / rate, shares)

    bound = positives_needed(MIN_POSITIVES)
    return Metric("recall", ("binary",), "higher", recall, of_either(bound), bound)


METRIC = at(CUT)
