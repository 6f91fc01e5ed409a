"""Groups of rows as the comparison takes them, from one name a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perennial.evaluation.slices import Sliced
from perennial.team_code.metrics import groups_of


def coded(groups: Sequence[str | None]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and each row's place among them."""
    return groups_of(pd.DataFrame({"group": groups}), "group")


def sliced_by(column: str, groups: Sequence[str | None]) -> Sliced:
    """A column of slices."""
    return Sliced(column, *coded(groups))
