"""Log loss: the negative log-probability that the model gave to the outcome."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.rare_class import rare_class, rare_class_in_a_pair
from perennial.evaluation.weights import mean_and_influence


def log_loss(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """Mean of v = −log(probability of the outcome), and each row's influence v − v̄.

    y: shape (n,), 0 or 1. p: shape (n,), probability of 1. Unit: nats.
    With K classes: y a position 0..K−1, p of shape (n, K). A class the model never saw has probability 0.
    Probabilities are clipped to [ε, 1 − ε] with the ε of their type, as scikit-learn does:
    a certain miss costs 36 nats in double precision, not infinity.
    Source: Good (1952), Rational Decisions; scikit-learn's `log_loss`.

    >>> value, influence = log_loss(np.array([1.0, 0.0]), np.array([0.5, 0.75]))
    >>> round(value, 6), influence.round(6).tolist()
    (1.039721, [-0.346574, 0.346574])
    """
    epsilon = np.finfo(p.dtype).eps
    if p.ndim == 1:
        given = 1 - p
        np.copyto(given, p, where=y == 1)
    else:
        given = p[np.arange(y.size), y.astype(np.int64)]
    row = np.clip(given, epsilon, 1 - epsilon, out=given).astype(np.float64, copy=False)
    return mean_and_influence(np.negative(np.log(row, out=row), out=row), weights)


METRIC = Metric("log_loss", ("binary", "multiclass"), "lower", log_loss, rare_class_in_a_pair, rare_class, convex=True)
