"""Accuracy: the share of rows on the right side of the cut."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.decided import CUT, decided_class
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.rare_class import rare_class
from perennial.evaluation.weights import mean_and_influence

MIN_DISCORDANT_ROWS = 200


def at(cut: float) -> Metric:
    """Accuracy with the decision d = 1{p ≥ cut}; v = 1{d = y}, influence v − v̄. Unit: share of rows.

    With K classes, p has shape (n, K), y is a position 0..K−1, and the most likely class is chosen, the first if equal.
    Two models differ only on the rows that they decide differently, so 200 of those are needed.
    Source: McNemar (1947), which looks at the same discordant rows.

    >>> value, influence = at(0.5).value_and_influence(np.array([1.0, 0.0]), np.array([0.5, 0.75]))
    >>> value, influence.tolist()
    (0.5, [0.5, -0.5])
    """

    def accuracy(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        row = (decided_class(p, cut) == y).astype(np.float64)
        return mean_and_influence(row, weights)

    def too_few_discordant(y: FloatArray, champion: FloatArray, challenger: FloatArray) -> str | None:
        rows = int((decided_class(champion, cut) != decided_class(challenger, cut)).sum())
        if rows >= MIN_DISCORDANT_ROWS:
            return None
        return (
            f"{rows} {'row' if rows == 1 else 'rows'} on which the two models decide differently; "
            f"{MIN_DISCORDANT_ROWS} are needed"
        )

    return Metric("accuracy", ("binary", "multiclass"), "higher", accuracy, too_few_discordant, rare_class)


METRIC = at(CUT)
