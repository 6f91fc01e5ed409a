"""Features of the hour. Each function takes the rows of a batch and returns one value per row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def hour_of_day(rows: pd.DataFrame) -> pd.Series:
    """The hour of the day as in the file, 0 to 23."""
    return rows["ts"].dt.hour.astype("float64")


def day_of_week(rows: pd.DataFrame) -> pd.Series:
    """The weekday, from Monday 0 to Sunday 6."""
    return rows["ts"].dt.day_of_week.astype("float64")


def day_of_year(rows: pd.DataFrame) -> pd.Series:
    """The day of the year, 1 to 366."""
    return rows["ts"].dt.day_of_year.astype("float64")
