"""The naive model: what a first model must beat, and what a champion's skill is measured from."""

from __future__ import annotations

from typing import Literal

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.fixed_point import sums_by
from perennial.evaluation.judgement import gain_of
from perennial.evaluation.weights import mean_of, median_of, relative


def naive_prediction(
    task: str, metric: str, training_labels: FloatArray, n: int, classes: int = 0, weights: FloatArray | None = None
) -> FloatArray:
    """The best constant of the training labels, n times: shape (n,), in the target's unit.

    task: `binary` (the base rate), `multiclass` (the share of each of `classes` classes, so shape (n, K)) or
        `regression` (the median for mae, which it minimises; else the mean).
    training_labels: shape (m,), known when the model was trained; never those of the evaluation rows.
    weights: shape (m,), of the training rows; shares, mean and median are then weighted.
    Raises ValueError without any training label.

    >>> naive_prediction("binary", "log_loss", np.array([1.0, 0.0, 0.0, 0.0]), 2).tolist()
    [0.25, 0.25]
    >>> naive_prediction("regression", "mae", np.array([1.0, 2.0, 9.0]), 1).tolist()
    [2.0]
    """
    labels = np.asarray(training_labels, dtype=np.float64)
    if labels.size == 0 or not np.isfinite(labels).all():
        raise ValueError("a naive prediction needs training labels, all of them finite")
    if task == "multiclass":
        return np.tile(_shares(labels.astype(np.int64), classes, relative(weights)), (n, 1))
    if task == "regression" and metric == "mae":
        return np.full(n, median_of(labels, weights))
    return np.full(n, mean_of(labels, relative(weights)))


def _shares(labels: IntArray, classes: int, weights: FloatArray | None) -> FloatArray:
    """The share of each class, shape (K,)."""
    if weights is None:
        return np.bincount(labels, minlength=classes) / labels.size
    sizes = sums_by(weights, labels, max(classes, int(labels.max()) + 1))
    return sizes / sizes.sum()


def skill(direction: Literal["lower", "higher"], champion: float | None, naive: float | None) -> float | None:
    """How much better than the naive prediction the champion is, on the same rows, in the metric's unit.

    direction: whether lower or higher values are better. None if the champion is not better or a value is unknown,
    because a share of no skill cannot serve as a margin.

    >>> round(skill("lower", 0.25, 0.75), 6), skill("higher", 0.25, 0.5)
    (0.5, None)
    """
    if champion is None or naive is None:
        return None
    better_by = gain_of(direction, naive, champion)
    return better_by if better_by > 0 else None
