"""The contract channel: held batches, warnings, and batches that do not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennial.clock import write_instant
from perennial.ledger.entries import BatchEntry, Rows
from perennial.watching.channels.contract import contract
from perennial.watching.overdue import overdue


def entry(end: datetime, *, window: str = "w", lag: timedelta = timedelta(days=1), **changes: object) -> BatchEntry:
    values = {
        "batch": f"b{window}",
        "window": window,
        "start": None,
        "end": write_instant(end),
        "revision": 1,
        "landing": "l",
        "digest": "d",
        "arrived_at": write_instant(end + lag),
        "status": "accepted",
        "rows": Rows(arrived=1_000, accepted=990, quarantined=10, unlabelled=0),
        "quarantine": (),
        "warnings": (),
        "held_because": (),
        "extra_columns": (),
        "table_version": 1,
        "quarantine_version": 1,
        "declaration_digest": "d",
    }
    return BatchEntry.model_validate(values | changes)


def months(last: int) -> list[BatchEntry]:
    """The months of 2013 from January on, each a day after its end."""
    return [entry(datetime(2013, month + 1, 1, tzinfo=UTC), window=f"2013-{month:02d}") for month in range(1, last + 1)]


JULY_IS_DUE = datetime(2013, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(("days", "late"), [(0, False), (3, False), (6, True), (20, True)])
def test_the_july_batch_is_overdue_once_it_is_clearly_later_than_usual(days: int, late: bool) -> None:
    found = overdue(months(6), JULY_IS_DUE + timedelta(days=days), cut="month", timezone="UTC")
    assert (found is not None) == late
    if found is not None:
        assert found.name == "the batch 2013-07"
        assert found.due.date().isoformat() in ("2013-07-31", "2013-08-01", "2013-08-02")


def test_the_words_say_which_batch_and_how_late() -> None:
    found = overdue(months(6), JULY_IS_DUE + timedelta(days=6), cut="month", timezone="UTC")
    assert found is not None
    finding = contract(months(6)[-1], found)
    assert (finding.alarm, finding.severity) == (True, "warning")
    assert "the batch 2013-07 is" in finding.words and "days overdue (expected by 2013-0" in finding.words


def test_a_daily_batch_is_overdue_within_hours_and_a_source_that_comes_irregularly_later() -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    daily = [entry(first + timedelta(days=day), lag=timedelta(hours=2)) for day in range(20)]
    due = first + timedelta(days=20, hours=2)
    assert overdue(daily, due + timedelta(hours=2), cut="day", timezone="UTC") is None
    late = overdue(daily, due + timedelta(hours=5), cut="day", timezone="UTC")
    assert late is not None and late.name == "the batch 2024-01-20" and "5 hours overdue" in late.words
    irregular = [entry(first + timedelta(days=day), lag=timedelta(hours=2 + (day * 7) % 24)) for day in range(20)]
    assert overdue(irregular, due + timedelta(hours=20), cut="day", timezone="UTC") is None


def test_three_batches_are_too_few_to_know_when_the_next_is_due() -> None:
    assert overdue(months(3), datetime(2014, 1, 1, tzinfo=UTC), cut="month", timezone="UTC") is None


def test_a_held_batch_pages_with_its_reasons_and_warnings_inform() -> None:
    held = contract(entry(JULY_IS_DUE, window="2013-07", status="held", held_because=("price: the column is missing",)))
    assert (held.alarm, held.severity, held.value) == (True, "page", 1.0)
    assert held.words == ("The batch 2013-07 was held (1,000 rows, 10 set aside, 1 %): price: the column is missing.")
    warned = contract(entry(JULY_IS_DUE, warnings=("a: missing in 40 % of the rows, usually in 2 %", "b: a new one")))
    assert (warned.alarm, warned.severity, warned.value) == (True, "info", 2.0)
    good = contract(entry(JULY_IS_DUE))
    assert (good.alarm, good.back, good.value) == (False, True, 0.0)
