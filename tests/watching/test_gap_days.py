"""Each labelled day is measured once, with a model that had seen nothing of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from perennial.ledger.entries import Day, Reference
from perennial.watching.after_release import AfterRelease
from perennial.watching.gap_days import WARM_UP, Measured, gap_days
from perennial.watching.row_loss import row_loss
from tests.watching.stream import FIRST, Columns, stream, until

LOSS = row_loss("binary", Reference(metric="log_loss", value=0.55, se=0.01, df=30, rows=100, clusters=30))
START = datetime(2024, 1, 1, tzinfo=UTC)


def at(after: AfterRelease, day: int, recorded: tuple[Day, ...] = ()) -> Measured:
    return gap_days(until(after, day), recorded, Columns(), LOSS, START + timedelta(days=day))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def changed() -> AfterRelease:
    return stream(70, changes_at=40, rows_a_day=60)


def test_nothing_is_measured_before_28_labelled_days(changed: AfterRelease) -> None:
    measured = at(changed, 20)
    assert (measured.days, measured.missing) == ((), 8)


def test_the_first_28_days_are_the_warm_up(changed: AfterRelease) -> None:
    measured = at(changed, 28)
    assert len(measured.days) == WARM_UP and all(day.warm_up for day in measured.days)
    assert abs(np.mean([day.gap for day in measured.days])) < 0.02


def test_a_change_shows_in_the_gap_some_days_later(changed: AfterRelease) -> None:
    days = at(changed, 70).days
    before = [day.gap for day in days if not day.warm_up and day.day < str(FIRST + 40)]
    later = [day.gap for day in days if day.day >= str(FIRST + 60)]
    assert np.mean(before) < 0.01
    assert np.mean(later) > 0.03


def test_day_by_day_or_all_at_once_is_the_same(changed: AfterRelease) -> None:
    recorded: tuple[Day, ...] = ()
    for day in (28, 31, 32, 45, 46, 60):
        recorded += at(changed, day, recorded).days
    assert recorded == at(changed, 60).days


def test_no_day_depends_on_a_later_one(changed: AfterRelease) -> None:
    """What comes after day 50 is turned round; days up to it are measured the same."""
    later = changed.days >= FIRST + 50
    other = replace(changed, labels=np.where(later, 1 - changed.labels, changed.labels))
    before = [[day for day in at(each, 70).days if day.day < str(FIRST + 50)] for each in (changed, other)]
    assert before[0] == before[1]


def test_labels_that_take_45_days_are_measured_45_days_later() -> None:
    late = stream(100, rows_a_day=20, delay_days=45)
    assert at(late, 60).missing == WARM_UP - 16
    days = at(late, 100).days
    assert [day.day for day in days][-1] == str(FIRST + 55)
    assert sum(day.warm_up for day in days) == WARM_UP
    assert len(days) == 56


def test_a_day_waits_for_four_fifths_of_its_labels_but_no_longer_than_two_weeks() -> None:
    half = stream(60, rows_a_day=60, labelled=0.5)
    assert at(half, 40).missing == WARM_UP - 26, "a day counts two weeks after its first label"
    day = at(half, 60).days[0]
    assert day.rows == 60 and day.labelled < 40
