"""Runs started at once in separate processes: of one use case in turns, of two side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Decision
from perennial.settings import settings
from perennial.store.lock import RUN, only_one
from tests.crashes.agreement import assert_whole
from tests.crashes.conftest import killable  # noqa: F401
from tests.crashes.processes import LONG, Place, exit_code
from tests.flows.conftest import until
from tests.world import World

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("killable")
def test_cycles_that_start_at_once_take_each_batch_in_once(tmp_path: Path) -> None:
    place = Place(tmp_path / "home", tmp_path / "usecases")
    shop = World(place.usecases, rows_a_day=20).declare()
    months = ["2013-01", "2013-02"]
    for month in months:
        shop.month(month)
    with only_one(settings(place.variables).locks, "shop", RUN):
        runs = [place.start("run", "shop") for _ in months]
        until(lambda: place.said().count("shop: waits for its turn (run)") == len(runs), LONG)
    assert [exit_code(run, LONG) for run in runs] == [0, 0], place.said()
    ledger = place.workspace.ledger
    assert [row.payload.window for row in ledger.all("shop", BatchEntry)] == months
    assert len(ledger.all("shop", Cycle)) == len(ledger.all("shop", ChallengerEntry)) == 2
    assert_whole(place.workspace, "shop")


@pytest.mark.usefixtures("killable")
def test_cycles_of_two_use_cases_go_side_by_side_on_one_new_home(tmp_path: Path) -> None:
    """They share the ledger and MLflow's embedded database, which neither of them has made yet."""
    place = Place(tmp_path / "home", tmp_path / "usecases")
    shop, months = World(place.usecases, rows_a_day=20).declare(), ["2013-01", "2013-02", "2013-03"]
    source = {"kind": "files", "path": "shop", "batch": "file"}
    (place.usecases / "kiosk.yaml").write_text(yaml.safe_dump({**shop.declaration, "name": "kiosk", "source": source}))
    for month in months:
        shop.month(month)
    runs = [place.start("backfill", name) for name in ("shop", "kiosk")]
    assert [exit_code(run, LONG) for run in runs] == [0, 0], place.said()
    ledger = place.workspace.ledger
    for name in ("shop", "kiosk"):
        assert [row.payload.window for row in ledger.all(name, BatchEntry)] == months
        assert len(ledger.all(name, Cycle)) == len(ledger.all(name, ChallengerEntry)) == 3
        assert len(ledger.all(name, Decision)) == 2
        assert_whole(place.workspace, name)
    assert "waits for its turn" not in place.said()
