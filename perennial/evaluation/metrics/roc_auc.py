"""ROC AUC: how often a positive row is ranked above a negative one."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.metrics.rare_class import rare_class, rare_class_in_a_pair
from perennial.evaluation.metrics.ties import sums_of_ties, tie_groups
from perennial.evaluation.weights import relative, weighed


def roc_auc(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """Share θ of pairs (positive, negative) in the right order, ties counting half, and each row's influence.

    V, a row's placement, is the share of the other class that it is correctly ranked against; π the base rate.
    Influence: (V − θ)/π of a positive row, (V − θ)/(1 − π) of a negative one.
    y: shape (n,), 0 or 1. p: shape (n,), any score that is higher for more likely rows. Unit: share of pairs.
    Raises Undefined if all rows are of one class.
    Sources: DeLong, DeLong & Clarke-Pearson (1988); Sun & Xu (2014) for mid-ranks.

    >>> value, influence = roc_auc(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.4, 0.4, 0.1]))
    >>> value, influence.tolist()
    (0.875, [0.25, -0.25, -0.25, 0.25])
    """
    positive = y == 1
    if positive.all() or not positive.any():
        raise Undefined(f"all {y.size:,} rows are of one class")
    shares, tie = relative(weights), tie_groups(p)
    positives_in = sums_of_ties(tie, positive, shares)
    negatives_in = sums_of_ties(tie, ~positive, shares)
    positives, negatives = float(positives_in.sum()), float(negatives_in.sum())
    negatives_below = (np.cumsum(negatives_in) - negatives_in / 2) / negatives
    positives_above = 1 - (np.cumsum(positives_in) - positives_in / 2) / positives
    value = float((positives_in * negatives_below).sum() / positives)
    placement = np.where(positive, negatives_below[tie], positives_above[tie])
    share = np.where(positive, positives, negatives) / (positives + negatives)
    return value, weighed((placement - value) / share, shares)


METRIC = Metric("roc_auc", ("binary",), "higher", roc_auc, rare_class_in_a_pair, rare_class)
