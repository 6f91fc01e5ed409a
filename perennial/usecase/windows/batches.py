"""Learn from the rows of the last so many batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from perennial.usecase.spelling import Frozen

if TYPE_CHECKING:
    import pandas as pd

    from perennial.usecase.windows.window import Past


class LastBatches(Frozen):
    """Learn from the rows of the last so many batches."""

    batches: int = Field(gt=0, description="for example 3")

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """Rows of these batches."""
        return past.batch.isin(past.batches[-self.batches :])

    def weights(self, at: pd.Series[Any]) -> None:
        """All alike."""
