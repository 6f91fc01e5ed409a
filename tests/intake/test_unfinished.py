"""The newest window of a source may be visibly unfinished."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from perennial.intake.unfinished import unfinished
from perennial.sources.window import Window

JANUARY = Window(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC), "2025-01")
DECEMBER = Window(datetime(2024, 12, 1, tzinfo=UTC), JANUARY.start, "2024-12")
FEBRUARY = Window(JANUARY.end, datetime(2025, 3, 1, tzinfo=UTC), "2025-02")


def days(last: int, *, closed: range = range(0)) -> pd.Series:
    """Two rows for each day of January through `last`, but none on the closed days."""
    open_on = [day for day in range(1, last + 1) if day not in closed]
    times = [f"2025-01-{day:02d}T{hour:02d}:00Z" for day in open_on for hour in (6, 18)]
    return pd.Series(pd.to_datetime(times, utc=True))


def test_a_last_month_whose_rows_end_on_the_ninth_is_unfinished_with_the_reason() -> None:
    why = unfinished(JANUARY, [DECEMBER, JANUARY], [days(9)], None)
    assert why == "2025-01 is not over yet, its newest row is of 2025-01-09 and it ends on 2025-02-01"


@pytest.mark.parametrize(
    ("windows", "times", "now"),
    [
        ([JANUARY, FEBRUARY], days(9), None),
        ([JANUARY], days(9), datetime(2025, 2, 3, tzinfo=UTC)),
        ([JANUARY], days(31), None),
        ([JANUARY], days(29), None),
        ([JANUARY], days(25, closed=range(5, 12)), None),
        ([JANUARY], days(0), None),
        ([Window(None, None, "orders.csv")], days(9), None),
    ],
    ids=[
        "a later one came",
        "its end has passed",
        "whole",
        "a weekend is missing",
        "closed as long before",
        "empty",
        "file",
    ],
)
def test_a_window_that_may_be_over_is_whole(windows: list[Window], times: pd.Series, now: datetime | None) -> None:
    assert unfinished(windows[0], windows, [times], now) == ""
