"""Windows over the whole calendar: the name of a time's window gives a window that holds the time."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.sources.window import window_names, window_of


@pytest.mark.parametrize("cut", ["year", "month", "week", "day", "hour"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@given(at=st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 30)))
def test_the_window_of_a_time_holds_it_from_year_1_to_9999(cut: str, zone: str, at: datetime) -> None:
    times = pd.Series([at], dtype="datetime64[us]").dt.tz_localize("UTC")
    (name,) = window_names(times, cut, ZoneInfo(zone))  # type: ignore[arg-type]
    window = window_of(name, cut, ZoneInfo(zone))  # type: ignore[arg-type]
    assert window.start is not None and window.end is not None
    assert window.start <= at.replace(tzinfo=UTC) < window.end
