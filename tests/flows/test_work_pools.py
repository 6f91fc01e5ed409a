"""Trainings on another work pool, with a real Prefect server and a worker of that pool."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import StateType

import tasks.work_pools
from perennial.errors import InputError, TerminalError
from perennial.ledger.entries import ChallengerEntry
from perennial.settings import settings
from perennial.store.workspace import Workspace
from perennial.work_pools import pool_for
from tests.crashes.agreement import story
from tests.flows.conftest import Lived, ask, living_in, runs_of
from tests.flows.workers import ROOT, deployment, worker_of
from tests.world import World

POOL = "trainers"
JOB = json.loads((ROOT / "deploy/kubernetes/trainers/job-template.json").read_text())["variables"]["properties"][
    "command"
]

pytestmark = pytest.mark.slow


@contextmanager
def shop_in(folder: Path, pools: str = f"big={POOL}") -> Iterator[World]:
    """A shop that trains on a big machine, and one month."""
    with living_in(folder) as shop, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_POOLS", pools)
        shop.declare(compute={"train": "big"})
        shop.month("2023-01")
        yield shop


@dataclass(frozen=True)
class Elsewhere(Lived):
    """runs: of the flow `fit`, which its cycles requested."""

    runs: list[dict[str, Any]]


@pytest.fixture(scope="module")
def elsewhere(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """A shop with two cycles whose trainings ran on the pool's worker; the deployment stays."""
    from flows.cycle import cycle

    folder = tmp_path_factory.mktemp("elsewhere")
    before = [run["id"] for run in runs_of("fit")]
    with deployment("fit", "big", POOL, folder / "usecases"):
        with shop_in(folder) as shop, worker_of(POOL, folder):
            cycle("shop")
            shop.month("2023-02")
            cycle("shop")
        yield Elsewhere(folder, [run for run in runs_of("fit") if run["id"] not in before])


def test_a_training_runs_on_the_pool_of_the_declared_size(elsewhere: Elsewhere) -> None:
    assert [run["state"]["type"] for run in elsewhere.runs] == ["COMPLETED"] * 2
    assert {(run["work_pool_name"], "shop" in run["tags"]) for run in elsewhere.runs} == {(POOL, True)}
    trained = [run["labels"]["perennial.challenger"] for run in elsewhere.runs]
    assert trained == [each.challenger for each in elsewhere.all(ChallengerEntry)]


def test_the_ledger_is_that_of_one_process(elsewhere: Elsewhere, tmp_path: Path, flows: None) -> None:
    from flows.cycle import cycle

    with shop_in(tmp_path, pools="") as shop:
        cycle("shop")
        shop.month("2023-02")
        cycle("shop")
        here = Workspace(settings())
        there = {"PERENNIAL_HOME": str(elsewhere.folder / "home"), "PERENNIAL_USECASES": str(shop.usecases)}
        assert story(here, "shop") == story(Workspace(settings(there)), "shop")


def as_a_job(run: dict[str, Any], folder: Path, **more: str) -> None:
    """Run what the job of a cluster runs for a flow run."""
    program, *words = shlex.split(JOB["default"])
    variables = {
        "PREFECT__FLOW_RUN_ID": run["id"],
        "PERENNIAL_HOME": str(folder / "home"),
        "PERENNIAL_USECASES": str(folder / "usecases"),
    }
    command = [str(Path(sys.executable).with_name(program)), *words]
    subprocess.run(command, cwd=ROOT, env=os.environ | variables | more, capture_output=True, check=False)


def code_of_a_cycle() -> str:
    """The code of the error that a cycle ends with."""
    from flows.cycle import cycle

    with pytest.raises(TerminalError) as raised:
        cycle("shop")
    return raised.value.code


def test_a_training_stays_requested_and_what_is_lost_or_fails_is_requested_again(
    elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flows: None
) -> None:
    from flows.cycle import cycle

    monkeypatch.setattr(tasks.work_pools, "NO_WORKER_SECONDS", 0.0)
    monkeypatch.setattr(tasks.work_pools, "GONE_SECONDS", {StateType.RUNNING: 0.0})
    monkeypatch.setattr(tasks.work_pools, "_has_worker", lambda client, pool: False)
    before = {run["id"] for run in runs_of("fit")}

    def requested() -> list[dict[str, Any]]:
        return [run for run in runs_of("fit") if run["id"] not in before]

    with shop_in(tmp_path) as shop:
        assert [code_of_a_cycle(), code_of_a_cycle()] == ["pool-no-worker"] * 2
        (first,) = requested()
        ask(f"/flow_runs/{first['id']}/set_state", {"state": {"type": "RUNNING"}, "force": True})
        assert code_of_a_cycle() == "pool-no-worker", "after the lost one was given up, another one is requested"
        lost, second = requested()
        assert (lost["state"]["type"], second["state"]["type"]) == ("CRASHED", "SCHEDULED")
        other = shutil.copytree(shop.usecases, tmp_path / "other" / "usecases")
        World(other).declare(compute={"train": "big"}, description="edited")

        def working(**more: str) -> None:
            """From now on a worker takes the newest run once a cycle waits for one."""

            def takes(*_: object) -> bool:
                as_a_job(requested()[-1], tmp_path, **more)
                return True

            monkeypatch.setattr(tasks.work_pools, "_has_worker", takes)

        working(PERENNIAL_USECASES=str(other))
        assert code_of_a_cycle() == "pool-other-declaration"
        working()
        assert cycle("shop") is not None
        assert [run["state"]["type"] for run in requested()] == ["CRASHED", "FAILED", "COMPLETED"]
    assert len(Lived(tmp_path).all(ChallengerEntry)) == 1


def test_a_size_without_a_pool_or_a_deployment_is_refused(tmp_path: Path, flows: None, prefect_server: str) -> None:
    with shop_in(tmp_path, pools="huge=trainers") as shop:
        with pytest.raises(InputError, match="no work pool has the size 'big'") as raised:
            pool_for("big", settings().pools, "compute.train")
        assert raised.value.fix == "Add big=POOL to PERENNIAL_POOLS, or declare one of its sizes: huge."
        shop.declare(compute={"train": "huge"})
        assert code_of_a_cycle() == "pool-not-deployed"
