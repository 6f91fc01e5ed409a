"""Train on rows from the same season of every year."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from perennial.usecase.spelling import Duration, Frozen

if TYPE_CHECKING:
    import pandas as pd

    from perennial.usecase.windows.window import Past


class Season(Frozen):
    """Train on rows from the same season of every year."""

    by_row: ClassVar[bool] = True

    season: Duration = Field(
        gt=timedelta(0),
        le=timedelta(days=182),
        description="largest distance from today's day of the year, for example 45d",
    )

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """Rows within that distance."""
        apart = (past.at.dt.day_of_year - past.as_of.timetuple().tm_yday).abs()
        return apart.where(apart <= 183, 366 - apart) <= self.season.days

    def weights(self, at: pd.Series[Any]) -> None:
        """Equal weights."""
