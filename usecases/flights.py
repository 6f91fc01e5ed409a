"""The demo's own features. Each takes a batch's rows and gives one value for each, from that row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def hour_of_day(rows: pd.DataFrame) -> pd.Series:
    """The scheduled departure by the airport's clock in hours: 17.5 is half past five in the afternoon."""
    scheduled = rows["sched_dep_time"]
    return scheduled // 100 + scheduled % 100 / 60


def day_of_week(rows: pd.DataFrame) -> pd.Series:
    """The weekday of the scheduled departure by the airport's clock, from Monday 0 to Sunday 6."""
    return rows["time_hour"].dt.tz_convert("America/New_York").dt.day_of_week.astype("float64")
