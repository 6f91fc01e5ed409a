"""How time is cut: batches that leave enough days, clusters, and how late labels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from perennial.evaluation.figures import counted
from perennial.usecase.drafting.guess import Guess
from perennial.usecase.drafting.sample import Sample

if TYPE_CHECKING:
    import pandas as pd

Cut = Literal["file", "year", "month"]

DAYS_OF_A_DECISION = 15


@dataclass(frozen=True)
class Calendar:
    """batch: how long one is. clusters: `day`, `week`, or the column. first, last: days of the first and last row."""

    batch: Guess[Cut]
    clusters: Guess[str]
    label_known_after: Guess[str]
    first: str
    last: str
    days: int


def calendar_of(sample: Sample, time: str, target: str) -> Calendar:
    """The calendar of the rows, in UTC."""
    times = times_of(sample, time)
    days = times.dt.floor("D")
    batch = _batch(sample, times, days)
    different = int(days.nunique())
    clusters: Guess[str] = Guess("day", "likely", "rows of one day are often alike")
    if batch.value == "year" and different < DAYS_OF_A_DECISION * max(1, times.dt.year.nunique()):
        clusters = Guess(
            time,
            "unsure",
            f"{counted(different, 'day has', 'days have')} rows; those of one {time} are a cluster",
        )
    delay = _delay(sample, days, target)
    if sample.columns[time].kind != "timestamp":
        delay = Guess("365d", "likely", "a year's answers are known when it ends")
    return Calendar(batch, clusters, delay, str(days.min().date()), str(days.max().date()), different)


def times_of(sample: Sample, time: str) -> pd.Series:
    """The times of the rows; a whole number is the first moment of that year."""
    import pandas as pd

    values = sample.columns[time].values
    if sample.columns[time].kind == "timestamp":
        return values
    return pd.to_datetime(values.astype("str") + "-01-01", utc=True)


def _batch(sample: Sample, times: pd.Series, days: pd.Series) -> Guess[Cut]:
    months = days.dt.tz_convert(None).dt.to_period("M")
    a_month = days.groupby(months).nunique().median()
    if a_month >= DAYS_OF_A_DECISION:
        whole = months.nunique()
        if whole < 3:
            why = f"only {whole} with rows: the first decision needs {DAYS_OF_A_DECISION} days after a training"
            return Guess("month", "unsure", why)
        return Guess("month", "likely", f"{whole} of them, {a_month:.0f} days with rows in the middle one")
    a_year = days.groupby(times.dt.year).nunique().median()
    rare = f"a month has {a_month:.0f} and a year {a_year:.0f} different days with rows"
    why = f"{rare}, and a decision needs {DAYS_OF_A_DECISION} days"
    return Guess("year", "unsure", why)


def _delay(sample: Sample, days: pd.Series, target: str) -> Guess[str]:
    """A guess from labels that are missing at the end: the stretch after the last day that has most of them."""
    known = sample.columns[target].values.notna().groupby(days).mean()
    usual = float(known.median())
    full = known[known >= 0.5 * usual]
    behind = int((known.index.max() - full.index.max()).days) if len(full) and usual > 0 else 0
    if behind:
        return Guess(f"{behind}d", "likely", f"the last {behind} days have fewer labels than those before")
    return Guess("1d", "unsure", "not known from the data: how long after the event is the answer known?")
