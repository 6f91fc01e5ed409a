"""The values of built-in derived features, each version of each: a model keeps the ones it was trained with.

Hours, weekdays and months are those on the clocks of the use case's timezone. A missing time gives a missing value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from perennial.errors import ModelUnloadable
from perennial.local_time import on_local_clocks
from perennial.team_code.loading import Function
from perennial.usecase.built_in import built_in, derived_name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class BuiltIns(BaseModel):
    """What a model's built-in features depend on. versions: name → version. time: the column of the event's time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    versions: dict[str, int]
    time: str
    timezone: str

    def functions(self, derived: tuple[str, ...]) -> dict[str, Function]:
        """Feature name → function of rows, for the built-in ones among `derived`.

        Raises ModelUnloadable for one that this version of Perennial does not know.
        """
        functions_by_name: dict[str, Function] = {}
        for spec in derived:
            if (known := built_in(spec)) is None:
                continue
            name, column = known
            version = self.versions.get(name)
            if version is None or (name, version) not in _VALUES:
                raise ModelUnloadable(
                    f"the model uses the built-in feature {name!r} in version {version}, which is not known here; "
                    "use the version of Perennial that trained it"
                )
            functions_by_name[derived_name(spec)] = partial(self._values, _VALUES[name, version], column)
        return functions_by_name

    def _values(self, values: _Values, column: str, rows: pd.DataFrame) -> pd.Series:
        return values(rows[column], rows[self.time], self.timezone)


_Values = Callable[["pd.Series", "pd.Series", str], "pd.Series"]
"""From the column's instants, those of the event, and a timezone to one float for each row."""


def _hour_of(times: pd.Series, _event: pd.Series, timezone: str) -> pd.Series:
    """0 to 23."""
    return on_local_clocks(times, timezone).dt.hour.astype("float64")


def _weekday_of(times: pd.Series, _event: pd.Series, timezone: str) -> pd.Series:
    """1 for Monday to 7 for Sunday, as ISO 8601 counts."""
    return on_local_clocks(times, timezone).dt.day_of_week.astype("float64") + 1


def _month_of(times: pd.Series, _event: pd.Series, timezone: str) -> pd.Series:
    """1 to 12."""
    return on_local_clocks(times, timezone).dt.month.astype("float64")


def _days_since(times: pd.Series, event: pd.Series, _timezone: str) -> pd.Series:
    """Days of 24 hours from the column's time to the event's, negative where the event came first."""
    import numpy as np
    import pandas as pd

    since, until = (_microseconds(each) for each in (times, event))
    missing = np.isnat(since) | np.isnat(until)
    days = (until - since).astype(np.int64) / 86_400e6
    return pd.Series(np.where(missing, np.nan, days), index=times.index)


def _microseconds(times: pd.Series) -> np.ndarray:
    instants: np.ndarray = times.dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
    return instants


_VALUES: dict[tuple[str, int], _Values] = {
    ("hour_of", 1): _hour_of,
    ("weekday_of", 1): _weekday_of,
    ("month_of", 1): _month_of,
    ("days_since", 1): _days_since,
}
