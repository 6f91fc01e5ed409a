"""Dates as people write them: with names of months, with years of two digits."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.sources.dates import DateOrder
from perennial.sources.typed_column import read_as
from perennial.sources.written import Written


def read(text: str, order: DateOrder = DateOrder()) -> pd.Timestamp | None:  # noqa: B008
    values, bad = read_as(pa.array([text]), "timestamp", "UTC", Written(dates=order))
    assert pd.isna(values[0]) == pd.notna(bad[0])
    return None if pd.isna(values[0]) else values[0].tz_convert(None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("03-Jan-2024", "2024-01-03"),
        ("January 3, 2024", "2024-01-03"),
        ("Jan 3 2024 2:05 PM", "2024-01-03 14:05"),
        ("3rd March 2024", "2024-03-03"),
        ("03Jan2024", "2024-01-03"),
        ("2024-Jan-03", "2024-01-03"),
        ("3. März 2024", "2024-03-03"),
        ("3. Ma\u0308rz 2024", "2024-03-03"),
        ("3 de enero de 2024", "2024-01-03"),
        ("3 AOÛT 2024", "2024-08-03"),
        ("Wed, 03 Jan 2024 14:05:00 GMT", "2024-01-03 14:05"),
        ("Sat May 4 2024", "2024-05-04"),
        ("03/Jan/2024:14:05:00 +0100", "2024-01-03 13:05"),
        ("31-Feb-2024", None),
        ("Foo 3, 2024", None),
        ("3 Jan", None),
        ("Jan 2024", None),
        ("3 Jan 2024 14:05 PM", None),
        ("03-Jan-24", None),
        ("31.12.24", None),
    ],
)
def test_a_month_with_a_name_has_one_reading(text: str, expected: str | None) -> None:
    assert read(text) == (pd.Timestamp(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("31.12.24", DateOrder(None, 1970), "2024-12-31"),
        ("31.12.70", DateOrder(None, 1970), "1970-12-31"),
        ("31.12.69", DateOrder(None, 1970), "2069-12-31"),
        ("31.12.29", DateOrder(None, 1930), "2029-12-31"),
        ("31.12.30", DateOrder(None, 1930), "1930-12-31"),
        ("03-Jan-24 18:30", DateOrder(None, 1970), "2024-01-03 18:30"),
        ("03/04/24", DateOrder(None, 1970), None),
        ("03/04/24", DateOrder(True, 1970), "2024-04-03"),
        ("03/04/24", DateOrder(False, 1970), "2024-03-04"),
        ("24/12/31", DateOrder(None, 1970, True), "2024-12-31"),
        ("24-Dec-31", DateOrder(None, 1970, True), "2024-12-31"),
        ("31.12.2024", DateOrder(None, 1970, True), "2024-12-31"),
        ("31/12/24", DateOrder(False, 1970), None),
    ],
)
def test_years_of_two_digits_are_read_in_the_declared_hundred_years(
    text: str, order: DateOrder, expected: str | None
) -> None:
    assert read(text, order) == (pd.Timestamp(expected) if expected else None)


@given(st.datetimes(pd.Timestamp("1000-01-01"), pd.Timestamp("9999-12-31")), st.integers(1, 9900))
def test_every_day_is_read_back_however_it_is_written(day: pd.Timestamp, base: int) -> None:
    day = day.replace(hour=0, minute=0, second=0, microsecond=0)
    written = pa.array([day.strftime(form) for form in ("%d-%b-%Y", "%B %d, %Y", "%d %b %Y", "%d.%m.%Y")])
    values, bad = read_as(written, "timestamp", "UTC", Written())
    assert values.dt.tz_convert(None).tolist() == [day] * len(written) and bad.isna().all()
    year = base + (day.year - base) % 100
    if year <= 9999:
        short = read(day.strftime("%d.%m.%y"), DateOrder(None, base))
        assert short is None or (short.year, short.month, short.day) == (year, day.month, day.day)
