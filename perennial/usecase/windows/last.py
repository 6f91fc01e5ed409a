"""Train on the rows of a fixed time before the training."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from perennial.usecase.spelling import Duration, Frozen

if TYPE_CHECKING:
    import pandas as pd

    from perennial.usecase.windows.window import Past


class LastWindow(Frozen):
    """Train on the rows of a fixed time before the training."""

    by_row: ClassVar[bool] = True

    last: Duration = Field(gt=timedelta(0), description="length of the window, for example 90d")

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """Rows whose events are in the window."""
        return past.at >= self.earliest(past.as_of)

    def earliest(self, as_of: datetime) -> datetime:
        """The window's beginning."""
        return as_of - self.last

    def weights(self, at: pd.Series[Any]) -> None:
        """Equal weights."""
