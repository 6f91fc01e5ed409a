"""Train on all rows, with more weight on newer ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from perennial.usecase.spelling import Duration, Frozen

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from perennial.usecase.windows.window import Past


class Decay(Frozen):
    """Train on all rows, with more weight on newer ones."""

    by_row: ClassVar[bool] = True

    decay: Duration = Field(
        gt=timedelta(0), description="half-life: a row this much older has half the weight, for example 60d"
    )

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """All rows."""
        return None

    def weights(self, at: pd.Series[Any]) -> np.ndarray | None:
        """Half for a row that is `decay` older than the newest."""
        ages: np.ndarray = ((at.max() - at) / self.decay).to_numpy(dtype=float)
        weights: np.ndarray = 2.0**-ages
        return weights
