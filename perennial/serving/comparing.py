"""Whether a scorer gives its pipeline's bits, for rows together, in small groups and alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from perennial.serving.probes import rows_of
from perennial.serving.scorers.scorer import Columns, Scorer
from perennial.serving.scorers.whole_pipeline import same_bits

_ALONE = 60


@dataclass(frozen=True)
class Differs:
    """The first row in which the scorer's prediction is another than the pipeline's. row: its input."""

    place: int
    row: dict[str, Any]
    scorer: Any
    pipeline: Any

    def __str__(self) -> str:
        return f"in row {self.place} ({self.row}) it gives {self.scorer!r}, the pipeline {self.pipeline!r}"


def first_difference(scorer: Scorer, columns: Columns, expected: np.ndarray) -> Differs | None:
    """The first row whose bits differ; None if there is none.

    columns: n rows. expected: the pipeline's predictions, shape (n,) or (n, k).
    """
    n = len(expected)
    for size, end in ((n, n), (7, n), (1, min(n, _ALONE))):
        for first in range(0, end, size):
            group = rows_of(columns, first, first + size)
            scored = scorer.score(group)
            same = same_bits(scored, expected[first : first + size])
            if not same.all():
                place = int(np.flatnonzero(~same)[0])
                row = {name: values[first + place] for name, values in columns.items()}
                return Differs(first + place, row, scored[place].tolist(), expected[first + place].tolist())
    return None
