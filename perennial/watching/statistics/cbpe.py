"""The loss that a classifier's own probabilities lead to expect, before any label is known.

Confidence-based performance estimation: if a row's calibrated probability is c, its label is 1 with probability c. It
is right as long as the relation between score and label stays as it was where the calibrator was fitted, so it cannot
see a change of concept. Source: Kivimäki, Białek & Kuberski (2025), Performance Estimation in Binary Classification
Using Calibrated Confidence, https://arxiv.org/abs/2505.05295; its reference implementation is NannyML.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.weights import mean_and_influence, weighed
from perennial.watching.statistics.calibrator import Calibrator

BY_ROW = ("log_loss", "brier", "accuracy")
ESTIMATED = (*BY_ROW, "roc_auc")
"""The metrics that can be estimated for a binary target; for several classes those of `BY_ROW`."""


def estimated(
    metric: Metric, scores: FloatArray, calibrators: Sequence[Calibrator], weights: FloatArray | None = None
) -> tuple[float, FloatArray] | None:
    """The metric's expected value and each row's influence on it, as of `Metric.value_and_influence`.

    scores: shape (n,), the probability of 1, or (n, K). calibrators: one, or one for each class.
    weights: shape (n,), with mean 1; None if all rows count the same.
    None for a metric that cannot be estimated, and without rows.
    """
    if not len(scores):
        return None
    if scores.ndim == 1:
        chance = calibrators[0](scores)
        if metric.name == "roc_auc":
            return expected_auc(chance, scores, weights)
        chances = np.stack([1 - chance, chance], axis=1)
    else:
        chances = np.stack([each(scores[:, place]) for place, each in enumerate(calibrators)], axis=1)
        chances /= np.maximum(chances.sum(axis=1, keepdims=True), 1e-12)
    if metric.name not in BY_ROW:
        return None
    expected = np.zeros(len(scores))
    for place in range(chances.shape[1]):
        value, influence = metric.value_and_influence(np.full(len(scores), float(place)), scores)
        expected += chances[:, place] * (value + influence)
    if weights is not None:
        return mean_and_influence(expected, weights)
    return float(expected.mean()), expected - expected.mean()


def expected_auc(
    chance: FloatArray, scores: FloatArray, weights: FloatArray | None = None
) -> tuple[float, FloatArray] | None:
    """The ROC AUC of rows whose label is 1 with a known probability: pairs are weighted by c_i·(1 − c_j).

    chance, scores: shape (n,). None if all rows are certainly of one class.

    >>> value, _ = expected_auc(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.7, 0.1]))
    >>> value
    0.75
    """
    # A row of weight w and chance c is a positive one of weight w·c and a negative one of weight w·(1 − c).
    positive, negative = weighed(chance, weights), weighed(1 - chance, weights)
    if positive.sum() <= 0 or negative.sum() <= 0:
        return None
    _, tie = np.unique(scores, return_inverse=True)
    of_negative = np.bincount(tie, weights=negative)
    of_positive = np.bincount(tie, weights=positive)
    below = (np.cumsum(of_negative) - of_negative / 2)[tie] / negative.sum()
    above = (positive.sum() - np.cumsum(of_positive) + of_positive / 2)[tie] / positive.sum()
    value = float((positive * below).sum() / positive.sum())
    each = positive * (below - value) / positive.mean() + negative * (above - value) / negative.mean()
    return value, each
