"""Train on the rows of the last N batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from perennial.usecase.spelling import Frozen

if TYPE_CHECKING:
    import pandas as pd

    from perennial.usecase.windows.window import Past


class LastBatches(Frozen):
    """Train on the rows of the last N batches."""

    by_row: ClassVar[bool] = True

    batches: int = Field(gt=0, description="number of batches, for example 3")

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """The rows of these batches."""
        return past.batch.isin(past.batches[-self.batches :])

    def weights(self, at: pd.Series[Any]) -> None:
        """Equal weights."""
