"""Two runs of one use case started at once, in separate processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle
from tests.crashes.agreement import assert_whole
from tests.crashes.conftest import killable  # noqa: F401
from tests.crashes.processes import LONG, Place, exit_code
from tests.world import World

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("killable")
def test_cycles_that_start_at_once_take_each_batch_in_once(tmp_path: Path) -> None:
    place = Place(tmp_path / "home", tmp_path / "usecases")
    shop = World(place.usecases, rows_a_day=20).declare()
    months = ["2013-01", "2013-02"]
    for month in months:
        shop.month(month)
    runs = [place.start("run", "shop") for _ in months]
    assert [exit_code(run, LONG) for run in runs] == [0, 0], place.said()
    ledger = place.workspace.ledger
    assert [row.payload.window for row in ledger.all("shop", BatchEntry)] == months
    assert len(ledger.all("shop", Cycle)) == len(ledger.all("shop", ChallengerEntry)) == 2
    assert "waits for its turn" in place.said()
    assert_whole(place.workspace, "shop")
