"""A file whose dates have day and month the other way round than declared is noticed by where its dates then lie."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perennial.errors import InputError
from perennial.sources import open_source
from perennial.sources.config import FilesSource
from perennial.sources.dates import DateOrder
from perennial.sources.day_order import BothOrders, both_orders, next_is_other, spread_is_other
from perennial.sources.written import Written

from .conftest import Put

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def column(days: list[date], *, day_first: bool) -> pa.ChunkedArray:
    form = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    return pa.chunked_array([[day.strftime(form) for day in days]])


def read(days: list[date], *, written: bool, declared: bool) -> BothOrders | None:
    """Dates written with the day first or not, by both orders. declared: whether the day is declared to be first."""
    return both_orders(column(days, day_first=written), "UTC", Written(dates=DateOrder(day_first=declared)))


def ends(before: date, step: int) -> list[datetime]:
    """The ends of six batches, the last one on the midnight before a day."""
    last = datetime.combine(before, time(), UTC)
    return [last - timedelta(days=step * number) for number in range(6)]


@settings(max_examples=25, deadline=None)
@given(first=DAYS, step=st.sampled_from([1, 2, 7]), day_first=st.booleans())
def test_the_next_days_in_the_other_order_are_noticed_in_any_month(first: date, step: int, day_first: bool) -> None:
    days = [first + timedelta(days=number) for number in range(step)]
    assume(any(day.day != day.month for day in days))
    both = read(days, written=not day_first, declared=day_first)
    readable_both_ways = all(day.day <= 12 for day in days)
    if readable_both_ways:
        assert both is not None and next_is_other(both, ends(first, step))
        assert both.other[0].date() == first and f"day_first: {str(not day_first).lower()}" in both.words
    else:
        assert both is not None, "in the right order all can be read"


@settings(max_examples=25, deadline=None)
@given(year=st.integers(2020, 2030), month=st.integers(1, 12), last=st.integers(12, 31), day_first=st.booleans())
def test_a_month_in_the_other_order_is_noticed_whether_its_days_can_be_read_or_not(
    year: int, month: int, last: int, day_first: bool
) -> None:
    start = date(year, month, 1)
    days = [day for day in (start + timedelta(days=number) for number in range(last)) if day.month == month]
    both = read(days, written=not day_first, declared=day_first)
    assert both is not None and next_is_other(both, ends(start, 30))
    assert (both.declared is None) == (len(days) >= 24), "most can then not be read"


@settings(max_examples=25, deadline=None)
@given(first=DAYS, length=st.integers(1, 40), step=st.sampled_from([1, 7, 30, 365]), day_first=st.booleans())
def test_files_in_the_declared_order_that_come_next_are_never_stopped(
    first: date, length: int, step: int, day_first: bool
) -> None:
    days = [first + timedelta(days=number) for number in range(min(length, step))]
    both = read(days, written=day_first, declared=day_first)
    assert both is None or not next_is_other(both, ends(first, step))


@settings(max_examples=25, deadline=None)
@given(start=DAYS, day_first=st.booleans(), length=st.sampled_from([1, 7, 12]))
def test_no_file_of_a_history_in_the_declared_order_is_spread_unlike_the_others(
    start: date, day_first: bool, length: int
) -> None:
    files = [[start + timedelta(days=length * n + d) for d in range(length)] for n in range(6)]
    orders = [read(days, written=day_first, declared=day_first) for days in files]
    known = [(datetime.combine(days[0], time(), UTC), datetime.combine(days[-1], time(), UTC)) for days in files]
    for number, both in enumerate(orders):
        assert both is None or not spread_is_other(both, known[:number] + known[number + 1 :])


@pytest.mark.parametrize("days_before", [0, 1, 2])
def test_too_few_batches_before_show_nothing(days_before: int) -> None:
    both = read([date(2026, 3, 5)], written=False, declared=True)
    assert both is not None and not next_is_other(both, ends(date(2026, 3, 5), 1)[:days_before])


def test_a_few_mistyped_dates_are_set_aside_as_before() -> None:
    days = [date(2026, 3, day) for day in range(1, 12)]
    texts = [day.strftime("%d/%m/%Y") for day in days] + ["03/13/2026"]
    both = both_orders(pa.chunked_array([texts]), "UTC", Written(dates=DateOrder(day_first=True)))
    assert both is not None and both.declared is not None and not next_is_other(both, ends(date(2026, 3, 1), 30))


def test_without_a_declared_order_or_with_one_reading_there_is_nothing_to_compare() -> None:
    assert both_orders(pa.chunked_array([["03/04/2026"]]), "UTC", Written()) is None
    assert read([date(2026, 3, 20)], written=True, declared=True) is None
    assert read([date(2026, 5, 5)], written=True, declared=True) is None
    assert both_orders(pa.chunked_array([["2026-03-04"]]), "UTC", Written(dates=DateOrder(day_first=True))) is None


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        ([(f"2026-0{month}", range(1, 29)) for month in range(1, 5)], ("2026-05", range(1, 10))),
        ([(f"2026-03-{day:02}", range(day, day + 1)) for day in range(1, 6)], ("2026-03-06", range(6, 7))),
        ([(f"2026-0{month}", range(1, 29)) for month in range(1, 5)], ("2026-05", range(1, 31))),
    ],
    ids=["days up to 12", "one day", "a whole month"],
)
@pytest.mark.parametrize("cut", ["month", "day"])
def test_files_cut_by_time_are_refused_with_the_file_and_how_to_read_it(
    put: Put, files: list[tuple[str, range]], wrong: tuple[str, range], cut: str
) -> None:
    for name, days in files:
        folder = put(f"{name}.csv", rows(name, days, "%d/%m/%Y")).parent
    read = {"kind": "files", "path": ".", "batch": cut, "read": {"day_first": True}}
    source = open_source(FilesSource.model_validate(read), folder=folder, schema_time="at", timezone="UTC")
    assert source.windows()
    put(f"{wrong[0]}.csv", rows(*wrong, "%m/%d/%Y"))
    with pytest.raises(InputError) as refused:
        source.windows()
    message = str(refused.value)
    assert f"{wrong[0]}.csv: " in message and "with day_first: false, and" in message
    assert "write this one like the others" in message
    put(f"{wrong[0]}.csv", rows(*wrong, "%Y-%m-%d"))
    assert source.windows()


def rows(name: str, days: range, form: str) -> str:
    year, month = (int(part) for part in name.split("-")[:2])
    return "at,x\n" + "".join(f"{date(year, month, day).strftime(form)},{day}\n" for day in days)
