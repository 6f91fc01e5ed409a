"""Machines with the same use cases: separate homes and disks, one PostgreSQL, one object store."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from perennial.ledger.entries import BatchEntry, Decision, Release
from tests.crashes.agreement import assert_readers_see_whole_batches, assert_whole
from tests.crashes.processes import LONG, STOPS_AT, Place, exit_code
from tests.fleet.stores import month_of_store, write_template
from tests.postgres.postgres_server import new_database
from tests.postgres.test_lease import cut_off
from tests.s3 import s3_server
from tests.world import World

pytestmark = [
    pytest.mark.extended,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("killable"),
]


@dataclass(frozen=True)
class Machines:
    """Places with nothing in common but the declarations and the addresses in their environment."""

    one: Place
    two: Place
    three: Place

    @property
    def ledger_url(self) -> str:
        return self.one.more["PERENNIAL_DATABASE_URL"]


@pytest.fixture(scope="module")
def s3() -> Iterator[Mapping[str, str]]:
    """One server for all tests, because MLflow keeps a client for as long as a process lives."""
    with s3_server("lake") as variables:
        yield variables


@pytest.fixture
def machines(server: str, s3: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    place = f"s3://lake/{tmp_path.name}"
    shared = {
        "PERENNIAL_DATABASE_URL": new_database(server),
        "MLFLOW_TRACKING_URI": new_database(server),
        "PERENNIAL_TABLES_URI": f"{place}/tables",
        "PERENNIAL_FILES_URI": f"{place}/files",
        "PERENNIAL_MLFLOW_ARTIFACTS": f"{place}/models",
        **s3,
    }
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    usecases = tmp_path / "usecases"
    return Machines(*(Place(tmp_path / name / "home", usecases, shared) for name in ("one", "two", "three")))


@pytest.mark.parametrize("point", ["accepted_table.before", "batch_row.before"])
def test_a_machine_that_is_paused_and_loses_its_turn_records_nothing_more(machines: Machines, point: str) -> None:
    one, two = machines.one, machines.two
    shop = World(one.usecases, rows_a_day=20).declare()
    shop.month("2013-01")
    paused = replace(one, more={**one.more, STOPS_AT: point}).start("run", "shop")
    assert paused.pid is not None
    is_paused = psutil.Process(paused.pid)
    end = time.monotonic() + LONG
    while is_paused.status() != psutil.STATUS_STOPPED:
        assert paused.is_alive() and time.monotonic() < end, one.said()
        time.sleep(0.05)
    cut_off(machines.ledger_url)
    two.finish("run", "shop")
    os.kill(paused.pid, signal.SIGCONT)
    assert exit_code(paused, LONG) == 1
    assert "lost its turn to another process" in one.said()
    ledger = two.workspace.ledger
    assert len(ledger.all("shop", BatchEntry)) == 1
    one.finish("run", "shop")
    shop.month("2013-02")
    one.finish("run", "shop")
    assert len(ledger.all("shop", BatchEntry)) == 2 and len(ledger.all("shop", Release)) == 1
    assert_whole(two.workspace, "shop")
    for place in (one, two):
        landed = [place.workspace.landing.read("shop", row.payload.landing) for row in ledger.all("shop", BatchEntry)]
        assert [data[:5] for data in landed] == [b"order"] * 2
        assert not (place.home / "landing").exists() and not (place.home / "validations").exists()


def test_two_machines_run_a_fleet_through_kills_and_a_third_replays_and_erases(machines: Machines) -> None:
    one, two, three = machines.one, machines.two, machines.three
    stores = ["a", "b", "c", "d", "e", "f"]
    members = [f"sales_{store}" for store in stores]
    one.usecases.mkdir()
    write_template(one.usecases, stores)
    for store in stores:
        for month in ("2024-01", "2024-02"):
            month_of_store(one.usecases, store, month)
    command = ("fleet", "run", "sales")
    for points in (("batch_row.before", "accepted_table.after"), ("decision_row.after", "release_row.after")):
        both = [place.start(*command, crash_at=point) for place, point in zip((one, two), points, strict=True)]
        codes = [exit_code(process, LONG) for process in both]
        assert -signal.SIGKILL in codes, (codes, one.said(), two.said())
    both = [place.start(*command) for place in (one, two)]
    assert [exit_code(process, LONG) for process in both] == [0, 0], (one.said(), two.said())
    ledger = three.workspace.ledger
    for place in (one, two):
        workspace = place.workspace
        for member in members:
            assert_readers_see_whole_batches(workspace, member)
            batches = [row.payload for row in ledger.all(member, BatchEntry)]
            assert [batch.window for batch in batches] == ["2024-01", "2024-02"]
            assert all(workspace.landing.read(member, batch.landing)[:2] == b"id" for batch in batches)
            release = ledger.all(member, Release)[-1].payload
            assert workspace.registry.champion(member) == release.champion.model.version
    decision = ledger.all("sales_a", Decision)[-1].payload
    three.finish("replay", decision.id, "--deep")
    three.finish("erase", "sales_a", "--key", "2024-01-7", "--by", "Ada", "--reason", "asked")
    assert "not reached: pages, logs and caches in the homes of other machines" in three.said()
    first = ledger.all("sales_a", BatchEntry)[0].payload
    assert b"2024-01-7," not in one.workspace.landing.read("sales_a", first.landing)
    assert two.workspace.tables.count("sales_a", "accepted", first.batch) == first.rows.accepted - 1
