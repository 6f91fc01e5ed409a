"""Columns that are times beside the event's, and columns that grow with time as a clock does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from perennial.usecase.drafting.sample import Column

if TYPE_CHECKING:
    import pandas as pd

Where = Literal["before", "with", "around", "after"]

ALWAYS = 0.999
_RUNNING = 0.95
_FEWEST_TIMES = 10
_MOST_ROWS = 20_000
_FEWEST_HOURS = 3
_FEWEST_WEEKDAYS = 5
_FEWEST_DAYS = 14
_MOST_DAYS_APART = 3
_SAME_LAG = 0.95
_HOUR_NAMES = re.compile(r"(^|_)(hour|hr)(_|$)|hour_?of", re.IGNORECASE)
_MONTH_NAMES = re.compile(r"(^|_)(month|mon)(_|$)|month_?of", re.IGNORECASE)
_ENOUGH_YEARS = 2
_WEEKDAY_NAMES = re.compile(r"week_?day|day_?of_?week|(^|_)dow(_|$)", re.IGNORECASE)


@dataclass(frozen=True)
class SecondTime:
    """A column of times beside the event's.

    where: `before` the event in every row, `with` it at nearly the same distance in every row (or its day), `after`
    it in every row, or `around` it.
    days: from the column's time to the event's, for each row.
    """

    where: Where
    days: pd.Series

    @property
    def usual(self) -> str:
        """How far the middle row's time lies from the event's, in words."""
        middle = float(self.days.median())
        side = "before" if middle > 0 else "after"
        return f"{_length(abs(middle))} {side} the event" if middle else "at the time of the event"


def second_time(column: Column, times: pd.Series) -> SecondTime | None:
    """How a column of times lies to the event's times; None where no row has both."""
    days = (times - column.values).dt.total_seconds() / 86_400
    known = days.dropna()
    if not len(known):
        return None
    where: Where = "around"
    is_day = bool((column.values.dropna().dt.floor("D") == column.values.dropna()).all())
    low, high = known.quantile([1 - ALWAYS, ALWAYS])
    same = float(known.round(6).value_counts(normalize=True).iloc[0]) >= _SAME_LAG
    if same or (is_day and high - low <= 1):
        where = "with"
    elif (known >= 0).mean() >= ALWAYS:
        where = "before"
    elif (known <= 0).mean() >= ALWAYS:
        where = "after"
    return SecondTime(where, days)


def parts_of_time(times: pd.Series, columns: dict[str, Column]) -> list[tuple[str, str]]:
    """Built-in features of the event's time that are worth a try, without the column: (`hour_of`, why).

    None that a column of the data has already.
    """
    known = times.dropna()
    parts = []
    hours, days = known.dt.hour, known.dt.floor("D").drop_duplicates().sort_values()
    if hours.nunique() >= _FEWEST_HOURS and not _there_already(columns, _HOUR_NAMES, 24):
        parts.append(("hour_of", f"rows are from {hours.nunique()} hours of the day"))
    apart = days.diff().dt.days.median()
    weekdays = days.dt.day_of_week.nunique()
    often = len(days) >= _FEWEST_DAYS and weekdays >= _FEWEST_WEEKDAYS and apart <= _MOST_DAYS_APART
    if often and not _there_already(columns, _WEEKDAY_NAMES, 7):
        parts.append(("weekday_of", f"rows are from {weekdays} days of the week"))
    if _has_all_months(known, columns) and _years(known) >= _ENOUGH_YEARS:
        parts.append(("month_of", f"each month of the year is there, in {_years(known):.3g} years"))
    return parts


def month_question(times: pd.Series, columns: dict[str, Column], time: str) -> list[str]:
    """What to ask about the month of the year, where rows cover one year but not two; else nothing."""
    known = times.dropna()
    if not _has_all_months(known, columns) or not 1 <= _years(known) < _ENOUGH_YEARS:
        return []
    return [
        f"rows cover {_years(known):.3g} years, so most months came only once. If the answer depends on the season, "
        f"`month_of:{time}` under derived makes the month of the year a feature"
    ]


def _has_all_months(known: pd.Series, columns: dict[str, Column]) -> bool:
    return known.dt.month.nunique() == 12 and not _there_already(columns, _MONTH_NAMES, 12)


def _years(known: pd.Series) -> float:
    """How many years the times cover, their last day included."""
    return ((known.max() - known.min()).days + 1) / 365


def grows_with_time(values: pd.Series, times: pd.Series) -> bool:
    """Whether numbers rise, or fall, with time: a year, a counter, a clock of another kind."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"at": times, "value": values.astype("float64")}).dropna()
    if len(frame) > _MOST_ROWS:
        frame = frame.iloc[np.linspace(0, len(frame) - 1, _MOST_ROWS).astype(np.int64)]
    if len(frame) < 3 or frame["value"].nunique() < 2 or frame["at"].nunique() < 2:
        return False
    # A rank's correlation is Spearman's.
    rank = float(np.corrcoef(frame["at"].rank(), frame["value"].rank())[0, 1])
    if abs(rank) > _RUNNING:
        return True
    moments = frame.groupby("at")["value"].agg(["min", "max"])
    return len(moments) >= _FEWEST_TIMES and (_never_falls(moments) or _never_falls(-moments[["max", "min"]]))


def _never_falls(moments: pd.DataFrame) -> bool:
    """Whether the least of each moment is at least the most of the one before."""
    least, most = (moments.iloc[:, side].to_numpy() for side in (0, 1))
    return bool((least[1:] >= most[:-1]).mean() >= ALWAYS)


def _there_already(columns: dict[str, Column], names: re.Pattern[str], most: int) -> bool:
    return any(names.search(c.name) and 1 < c.distinct <= most for c in columns.values())


def _length(days: float) -> str:
    if days >= 1:
        return f"{days:.3g} days"
    hours = days * 24
    return f"{hours:.3g} hours" if hours >= 1 else f"{hours * 60:.3g} minutes"
