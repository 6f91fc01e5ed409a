"""A cycle on one machine that trains on another: two workers with separate disks, one PostgreSQL, one object store."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ledger.entries import ChallengerEntry
from tests.crashes.agreement import assert_whole
from tests.flows.conftest import ask, ended, runs_of
from tests.flows.workers import deployment, worker_of
from tests.postgres.test_machines import Machines, machines, s3  # noqa: F401
from tests.world import World

pytestmark = [pytest.mark.extended, pytest.mark.long, pytest.mark.timeout(900)]


def test_a_training_on_another_machine_survives_that_machine(
    prefect_server: str,
    machines: Machines,  # noqa: F811
) -> None:
    one, two = machines.one, machines.two
    shop = World(one.usecases, rows_a_day=20).declare(compute={"train": "big"})
    shop.month("2023-01")
    shared = one.more | {"PERENNIAL_USECASES": str(shop.usecases), "PERENNIAL_POOLS": "big=trainers-elsewhere"}
    before = {run["id"] for run in runs_of("fit")}

    def cycled() -> dict[str, Any]:
        form = ask("/deployments/name/cycle/small", method="GET")
        return ended(ask(f"/deployments/{form['id']}/create_flow_run", {"parameters": {"usecase": "shop"}})["id"], 600)

    def trained() -> list[str]:
        ours = [run for run in runs_of("fit") if run["id"] not in before]
        assert {run["work_pool_name"] for run in ours} == {"trainers-elsewhere"}
        return [run["state"]["type"] for run in ours]

    with (
        deployment("fit", "big", "trainers-elsewhere", shop.usecases),
        deployment("cycle", "small", "cycles-here", shop.usecases),
        worker_of("cycles-here", one.home.parent, **shared),
    ):
        with worker_of("trainers-elsewhere", two.home.parent, **shared, PERENNIAL_CRASH_AT="challenger_row.before"):
            failed = cycled()
        assert failed["state"]["type"] == "FAILED" and set(trained()) == {"CRASHED"}, failed["state"]
        assert "ended as Crashed" in failed["state"]["message"]
        with worker_of("trainers-elsewhere", two.home.parent, **shared):
            assert cycled()["state"]["type"] == "COMPLETED"
    assert trained()[-1] == "COMPLETED"
    assert_whole(two.workspace, "shop")
    assert len(two.workspace.ledger.all("shop", ChallengerEntry)) == 1
