"""Average precision: the area under the precision–recall curve, summed in steps."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.decided import of_either, positives_needed
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.metrics.ties import sums_of_ties, tie_groups
from perennial.evaluation.weights import relative, weighed

MIN_POSITIVES = 60


def average_precision(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """The mean over positive rows of the precision P among rows scored at least as high, and each row's influence.

    With B(t) the share of rows scored ≥ t and π the base rate, a row of label y and score s has the influence
    [y(P(s) − θ) + Σ_{j: t_j ≤ s} y_j (y − P(t_j))/(n·B(t_j))]/π. Rows with the same score count together.
    y: shape (n,), 0 or 1. p: shape (n,), any score that is higher for more likely rows. Unit: 0 to 1.
    Raises Undefined without a positive row. Source: scikit-learn's `average_precision_score`; the influence is
    the derivative of its weighted form with respect to a row's weight.

    >>> value, influence = average_precision(np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.5, 0.2]))
    >>> round(value, 6), influence.round(6).tolist()
    (0.833333, [0.416667, -0.333333, -0.083333])
    """
    if not y.any():
        raise Undefined(f"none of {y.size:,} rows is positive")
    shares, tie = relative(weights), tie_groups(-p)
    positives_in = sums_of_ties(tie, y, shares)
    positives = float(positives_in.sum())
    rows_above = np.cumsum(sums_of_ties(tie, np.ones(y.size), shares))
    precision = np.cumsum(positives_in) / rows_above
    value = float((positives_in * precision).sum() / positives)
    of_a_positive = np.cumsum((positives_in / rows_above)[::-1])[::-1]
    of_any = np.cumsum((positives_in * precision / rows_above)[::-1])[::-1]
    rate = positives / float(rows_above[-1])
    return value, weighed((y * (precision[tie] - value + of_a_positive[tie]) - of_any[tie]) / rate, shares)


_BOUND = positives_needed(MIN_POSITIVES)
METRIC = Metric("average_precision", ("binary",), "higher", average_precision, of_either(_BOUND), _BOUND)
