"""Durations in a declaration."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.clock import LONGEST, parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [("15m", timedelta(minutes=15)), ("2 w", timedelta(days=14)), ("2y", timedelta(days=730)), ("0d", timedelta(0))],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@given(st.integers(0, 10**30), st.sampled_from("mhdwy"))
def test_every_duration_is_read_or_refused(number: int, unit: str) -> None:
    try:
        length = parse_duration(f"{number}{unit}")
    except ValueError as problem:
        assert "is longer than 36500 days" in str(problem)
    else:
        assert length <= LONGEST and parse_duration(write_duration(length)) == length
