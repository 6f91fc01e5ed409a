"""A mistyped time is found, a long, thin or interrupted history is not taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.intake.plausible import EARLY, LATE, far_window, future_windows, time_faults, time_faults_in
from perennial.sources.window import Window

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GAP = timedelta(days=180)
MONTH = [f"2024-02-{day:02d}" for day in range(1, 29)]
YEARS = [str(day.date()) for day in pd.date_range("2015-01-01", "2024-12-31", freq="3D")]


def faults(days: list[str | None], **how: bool) -> dict[int, str]:
    times = pd.Series(pd.to_datetime(pd.Series(days, dtype="str"), format="ISO8601", utc=True)).astype(
        "datetime64[us, UTC]"
    )
    found: dict[int, str] = time_faults(times, now=NOW, gap=GAP, **how).dropna().to_dict()
    return found


@pytest.mark.parametrize("history", [MONTH, YEARS], ids=["a month", "ten years in one file"])
@pytest.mark.parametrize(
    ("wrong", "fault"),
    [("2204-02-05", LATE), ("9999-12-31", LATE), ("2026-06-03", LATE), ("1900-01-01", EARLY), ("0001-01-01", EARLY)],
)
def test_one_mistyped_year_is_found_wherever_it_stands(history: list[str], wrong: str, fault: str) -> None:
    for place in (0, 7, len(history)):
        assert faults([*history[:place], wrong, *history[place:]]) == {place: fault}


def test_a_year_too_late_is_found_even_if_it_is_past_by_now() -> None:
    assert faults([*MONTH, "2025-02-05"]) == {28: LATE}
    assert faults([*MONTH, "2204-02-05", "2025-02-05", None, "1024-02-05"]) == {28: LATE, 29: LATE, 31: EARLY}


@pytest.mark.parametrize(
    "days",
    [
        YEARS,
        MONTH,
        [*MONTH, "2024-07-15"],
        [*(f"{year}-01-15" for year in range(2001, 2026))],
        [*MONTH, *(f"2025-02-{day:02d}" for day in range(1, 5))],
        ["2001-01-01", "2009-01-01", "2024-01-01"],
        [],
        [None, None],
    ],
    ids=["dense years", "a month", "within the gap", "one a year", "a pause", "too few", "none", "nulls"],
)
def test_what_may_be_right_is_left_alone(days: list[str | None]) -> None:
    assert faults(days) == {}


def test_simulated_data_may_lie_in_the_future() -> None:
    assert faults(["2031-01-01", "2031-01-02"], future=True) == {}
    assert faults(["2031-01-01", "2031-01-02"]) == {0: LATE, 1: LATE}


@given(
    st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2026, 5, 1)), min_size=1, max_size=60),
    st.integers(0, 10**6),
)
def test_at_most_one_row_in_twenty_is_set_aside_and_order_is_no_matter(moments: list[datetime], seed: int) -> None:
    times = pd.Series(moments, dtype="datetime64[us]").dt.tz_localize("UTC")
    found = time_faults(times, now=NOW, gap=GAP)
    few = max(1, len(times) // 20)
    assert (found == LATE).sum() <= few and (found == EARLY).sum() <= few
    assert times[found == LATE].min() >= times[found.isna()].max() if (found == LATE).any() else True
    mixed = times.sample(frac=1, random_state=seed)
    pd.testing.assert_series_equal(time_faults(mixed, now=NOW, gap=GAP).sort_index(), found)

    def parts() -> Iterator[pd.Series]:
        return (mixed[at : at + 7] for at in range(0, len(mixed), 7))

    in_parts = time_faults_in(parts, mixed.index, now=NOW, gap=GAP)
    pd.testing.assert_series_equal(in_parts.sort_index(), found)


def month(year: int, number: int) -> Window:
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return Window(datetime(year, number, 1, tzinfo=UTC), after, f"{year}-{number:02d}")


def test_a_window_of_one_row_far_from_all_others_is_found() -> None:
    windows = [month(2024, n) for n in range(1, 5)] + [month(2025, 9), month(2204, 1)]
    assert future_windows(windows, NOW) == [month(2204, 1)]
    assert "488 days" in (far_window(month(2025, 9), windows, 1, 700, GAP) or "")
    assert far_window(month(2025, 9), windows, 650, 700, GAP) is None, "the use case paused"
    assert far_window(month(2024, 3), windows, 1, 700, GAP) is None
    early = month(1924, 1)
    assert "before" in (far_window(early, [early, *windows], 1, None, GAP) or "")
    assert far_window(early, [early, *windows], 500, None, GAP) is None
