"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.decided import CUT, decided_at, of_either, positives_needed
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.weights import mean_of, relative, weighed

MIN_POSITIVES = 60


def at(cut: float) -> Metric:
    """F1 θ = 2·Σyd/Σ(d + y) with d = 1{p ≥ cut}; influence (2yd − θ(d + y))/(d̄ + π). Unit: 0 to 1.

    y: shape (n,), 0 or 1. p: shape (n,), probability of 1.
    Raises Undefined if no row is positive and none is flagged.
    Source: van Rijsbergen (1979), Information Retrieval; the influence by the delta method.

    >>> import numpy as np
    >>> value, influence = at(0.5).value_and_influence(np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.2, 0.8]))
    >>> value, influence.tolist()
    (0.5, [0.75, -0.375, -0.375])
    """

    def f1(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        decided, shares = decided_at(p, cut), relative(weights)
        either = mean_of(decided + y, shares)
        if either == 0:
            raise Undefined(f"none of {y.size:,} rows is positive or predicted at or above the cut {cut:g}")
        value = 2 * mean_of(y * decided, shares) / either
        return value, weighed((2 * y * decided - value * (decided + y)) / either, shares)

    bound = positives_needed(MIN_POSITIVES)
    return Metric("f1", ("binary",), "higher", f1, of_either(bound), bound)


METRIC = at(CUT)
