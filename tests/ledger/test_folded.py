"""What is made of rows one after another is what is made of all of them at once, whatever the ledger becomes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perennial.clock import instant, write_instant
from perennial.ledger.entries import BatchEntry
from perennial.ledger.folded import Folded
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import newest_entries, replay_clock
from perennial.store.known import known_at
from tests.ledger.payloads import batch

ENDED = instant("2024-04-01T00:00:00Z")
BATCHES = st.tuples(
    st.sampled_from(["2024-01", "2024-02", "2024-03"]),
    st.integers(min_value=0, max_value=5),
    st.sampled_from(["accepted", "accepted", "held"]),
)
"""The window of a batch, on which day it arrived, and whether it was accepted."""
NAMES = Folded(BatchEntry, list[str], lambda names, each: names.append(each.batch))


def at(day: int) -> str:
    return write_instant(ENDED + timedelta(days=day))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(came=st.lists(BATCHES, max_size=8), asked=st.integers(min_value=0, max_value=5))
def test_what_is_known_after_each_batch_is_what_all_rows_state(
    tmp_path_factory: pytest.TempPathFactory, came: list[tuple[str, int, str]], asked: int
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('folded')}/ledger.db")
    rows: list[BatchEntry] = []
    for number, (window, day, status) in enumerate(came):
        entry = batch(window, batch=f"b{number}", revision=number + 1, arrived_at=at(day), status=status)
        ledger.append("shop", entry)
        rows.append(entry)
        assert newest_entries(ledger, "shop") == {each.window: each for each in rows}
        clock = {each.window: each.arrived_at for each in rows if each.status == "accepted"}
        assert replay_clock(ledger, "shop") == max(map(instant, clock.values()), default=None)
        for moment in (instant(at(asked)), instant(at(5))):
            known = known_at(ledger, "shop", moment)
            arrived = [each for each in rows if each.status == "accepted" and instant(each.arrived_at) <= moment]
            newest = {each.window: each for each in arrived}
            assert known.batches == tuple(sorted(newest.values(), key=lambda each: (each.end, each.window)))
            assert known.replaced == tuple(each for each in arrived if newest[each.window] != each)
            assert known.arrivals == tuple(instant(each.arrived_at) for each in known.batches)
            ids = [each.batch for each in rows]
            assert known.named(ids[::2]) == tuple(each for each in known.batches if each.batch in ids[::2])


def test_a_ledger_that_was_restored_or_is_of_the_past_is_read_as_it_is(ledger: Ledger) -> None:
    for month in (1, 2, 3):
        ledger.append("shop", batch(f"2024-0{month}"))
    assert NAMES.read(ledger, "shop", list) == ["b-2024-01", "b-2024-02", "b-2024-03"]
    assert NAMES.read(ledger.before(3), "shop", list) == ["b-2024-01", "b-2024-02"]
    assert NAMES.read(ledger, "shop", list) == ["b-2024-01", "b-2024-02", "b-2024-03"]
    path = Path(ledger.url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TRIGGER entries_no_delete")
        database.execute("DELETE FROM entries WHERE position > 1")
    assert NAMES.read(ledger, "shop", list) == ["b-2024-01"]
    for month in (4, 5):
        ledger.append("shop", batch(f"2024-0{month}"))
    assert NAMES.read(ledger, "shop", list) == ["b-2024-01", "b-2024-04", "b-2024-05"]
    assert NAMES.read(ledger, "another", list) == []


def test_a_run_that_was_ended_in_between_leaves_nothing_half_taken(ledger: Ledger) -> None:
    ended = [TimeoutError]

    def take(names: list[str], each: BatchEntry) -> None:
        names.append(each.batch)
        if each.window == "2024-02" and ended:
            raise ended.pop()

    names = Folded(BatchEntry, list[str], take)
    for month in (1, 2, 3):
        ledger.append("shop", batch(f"2024-0{month}"))
    with pytest.raises(TimeoutError):
        names.read(ledger, "shop", list)
    assert names.read(ledger, "shop", list) == ["b-2024-01", "b-2024-02", "b-2024-03"]
