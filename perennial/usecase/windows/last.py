"""Learn from the rows of the last so many days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field

from perennial.usecase.spelling import Duration, Frozen

if TYPE_CHECKING:
    import pandas as pd

    from perennial.usecase.windows.window import Past


class LastWindow(Frozen):
    """Learn from the rows of the last so many days."""

    last: Duration = Field(gt=timedelta(0), description="for example 90d")

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """Rows of events since then."""
        return past.at >= past.as_of - self.last

    def weights(self, at: pd.Series[Any]) -> None:
        """All alike."""
