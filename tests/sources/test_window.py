"""A window is found for every time of the calendar, and its name stands for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perennial.local_time import FIRST, LAST
from perennial.sources.cut_files import CutFiles
from perennial.sources.window import Cut, window_names, window_of

CUTS: list[Cut] = ["year", "month", "week", "day", "hour"]


@given(
    moment=st.datetimes(timezones=st.just(UTC)),
    cut=st.sampled_from(CUTS),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Apia"]),
)
@example(moment=FIRST, cut="week", zone="America/New_York")
@example(moment=LAST, cut="month", zone="Asia/Tokyo")
@example(moment=LAST, cut="hour", zone="UTC")
def test_a_time_lies_in_the_window_that_it_names(moment: datetime, cut: Cut, zone: str) -> None:
    name = window_names(pd.Series([moment]).astype("datetime64[us, UTC]"), cut, ZoneInfo(zone))[0]
    window = window_of(name, cut, ZoneInfo(zone))
    assert window.name == name
    assert window.start is not None
    assert window.end is not None
    assert window.start <= moment < window.end or moment == window.end == LAST


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59", "0001-01-01"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_one_far_row_leaves_the_other_windows_readable(tmp_path: Path, far: str, zone: str) -> None:
    (tmp_path / "all.csv").write_text(f"n,at\n1,2024-01-05\n2,{far}\n3,2024-02-05\n")
    source = CutFiles(tmp_path, "month", "at", zone)
    assert {"2024-01", "2024-02"} < {window.name for window in source.windows()}
    window = next(window for window in source.windows() if window.name == "2024-02")
    assert source.fetch(window).data == b"n,at\n3,2024-02-05\n"
