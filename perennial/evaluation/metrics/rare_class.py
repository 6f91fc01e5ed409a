"""The minimum for metrics of a probability: enough rows of the rarer class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.figures import counted

if TYPE_CHECKING:
    from perennial.evaluation.arrays import FloatArray

MIN_ROWS_OF_A_CLASS = 20


def rare_class(y: FloatArray, p: FloatArray) -> str | None:
    """The reason why there are too few positives (or negatives) to decide, or None.

    y: shape (n,), 0 or 1. Swapping the two classes changes none of these metrics, so the minimum for positives
    applies to negatives as well.

    >>> import numpy as np
    >>> rare_class(np.repeat([1.0, 0.0], [14, 500]), np.zeros(514))
    '14 positive rows; 20 are needed'
    """
    if p.ndim == 2:
        others = y.size - int(np.bincount(y.astype(np.int64)).max(initial=0))
        if others >= MIN_ROWS_OF_A_CLASS:
            return None
        return f"{counted(others, 'row', 'rows')} beside the commonest class; {MIN_ROWS_OF_A_CLASS} are needed"
    positives = int(y.sum())
    for rows, kind in ((positives, "positive"), (y.size - positives, "negative")):
        if rows < MIN_ROWS_OF_A_CLASS:
            return f"{counted(rows, f'{kind} row', f'{kind} rows')}; {MIN_ROWS_OF_A_CLASS} are needed"
    return None


def rare_class_in_a_pair(y: FloatArray, champion: FloatArray, challenger: FloatArray) -> str | None:
    """`rare_class` for two models, which share their labels."""
    return rare_class(y, champion)
