"""A time in a record is the instant that the same text is in a batch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.features.built_in import BuiltIns
from perennial.serving.moments import moment_functions
from perennial.serving.values import Unreadable, reader
from perennial.sources.typed_column import read_timestamps
from perennial.usecase.built_in import VERSIONS

ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Europe/Berlin")


def in_a_batch(text: str, zone: str) -> datetime | None:
    times, _ = read_timestamps(pa.array([text], pa.string()), zone)
    return None if times.isna().iloc[0] else times.iloc[0].to_pydatetime(warn=False).astimezone(UTC)


def in_a_record(text: str, zone: str) -> datetime | None:
    try:
        made: datetime = reader("timestamp", zone)(text)
    except Unreadable:
        return None
    return made


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "text",
    [
        *("2013", "2013-05", "2013-05-06", "20130506", "2013-05-06 07", "2013-05-06T07:08:09,25", "31.12.2024 18:30"),
        *(
            "2013-05-06T07:08:09.1234567Z",
            "2013-05-06T07:08:09 +05:30",
            "2013-05-06 07:08 UTC",
            "2013-05-06T07:08+0200",
        ),
        *("2013-11-03 01:30", "2013-03-10 02:30", "2024-03-31T02:30:00", "2024-10-27 02:30"),  # repeated and skipped
        *("2013-02-30", "2013-05-06T25:00", "0000-01-01T00:00", "03/04/2024", "soon", "", "1", "２013-05-06T07:08Z"),
        *("0001-01-01T00:00", "9999-12-31T23:59:59.999999", "0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00"),
    ],
)
def test_a_time_is_read_as_in_a_batch(text: str, zone: str) -> None:
    assert in_a_record(text, zone) == in_a_batch(text, zone)


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1, max_size=20), st.sampled_from(ZONES))
def test_built_in_features_have_the_values_of_a_batch(times: list[datetime], zone: str) -> None:
    derived = tuple(f"{name}:since" for name in VERSIONS)
    settings = BuiltIns(versions=VERSIONS, time="at", timezone=zone)
    since = [*times, None, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)]
    event = [datetime(2024, 2, 29, 12, tzinfo=UTC) + timedelta(hours=i) for i in range(len(since))]
    rows = pd.DataFrame(
        {name: pd.Series(v, dtype="datetime64[us, UTC]") for name, v in (("since", since), ("at", event))}
    )
    alone = moment_functions(derived, settings)
    assert alone is not None
    for spec, function in zip(derived, settings.functions(derived).values(), strict=True):
        expected = [None if value != value else value.hex() for value in function(rows).tolist()]
        assert [None if value is None else value.hex() for value in alone[spec](since, event)] == expected, spec
