"""What the metrics of a binary decision share: the cut, and the minimum numbers of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.figures import counted
from perennial.evaluation.metrics.rare_class import rare_class

CUT = 0.5

Bound = Callable[[FloatArray, FloatArray], str | None]
BoundOfAPair = Callable[[FloatArray, FloatArray, FloatArray], str | None]


def decided_at(p: FloatArray, cut: float) -> npt.NDArray[np.float64]:
    """d = 1{p ≥ cut}, shape (n,), as 0.0 and 1.0."""
    return (p >= cut).astype(np.float64)


def decided_class(p: FloatArray, cut: float = CUT) -> IntArray:
    """The chosen class, shape (n,): by the cut, or with p of shape (n, K) the most likely of K classes."""
    return (p >= cut).astype(np.int64) if p.ndim == 1 else p.argmax(axis=1)


def positives_needed(least: int) -> Bound:
    """The minimum for a metric of the positive rows: `least` of them, and the negatives that `rare_class` needs.

    >>> positives_needed(60)(np.repeat([1.0, 0.0], [59, 500]), np.zeros(559))
    '59 positive rows; 60 are needed'
    """

    def bound(y: FloatArray, p: FloatArray) -> str | None:
        positives = int(y.sum())
        if positives < least:
            return f"{counted(positives, 'positive row', 'positive rows')}; {least} are needed"
        return rare_class(y, p)

    return bound


def flagged_needed(least: int, cut: float) -> Bound:
    """The minimum for a metric of the flagged rows: `least` of them."""

    def bound(y: FloatArray, p: FloatArray) -> str | None:
        flagged = int(decided_at(p, cut).sum())
        if flagged >= least:
            return None
        return f"{counted(flagged, 'row', 'rows')} at or above the cut {cut:g}; {least} are needed"

    return bound


def of_either(bound: Bound) -> BoundOfAPair:
    """One model's minimum, applied to both models: the first reason, or None."""

    def of_a_pair(y: FloatArray, champion: FloatArray, challenger: FloatArray) -> str | None:
        return bound(y, champion) or bound(y, challenger)

    return of_a_pair
