"""Each size of machine that a site has gets a deployment and, on one machine, a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from perennial.processes.deployments import ROOT, Plan, _with_schedules, plan_of
from perennial.processes.parts import parts_of, ports_of
from perennial.settings import Settings, settings
from perennial.work_pools import read_pools
from tests.flows.conftest import ask, deployments_removed
from tests.world import World


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return settings({"PERENNIAL_HOME": str(tmp_path), "PERENNIAL_POOLS": "big=trainers,huge=gpu"})


def test_every_size_has_a_deployment_of_its_pool_and_a_site_without_pools_has_none(where: Settings) -> None:
    plan = Plan({}, (), {}, {}, {})

    def pools_of_fit(here: Settings) -> dict[str, str]:
        deployments = _with_schedules(plan, here)["deployments"]
        return {each["name"]: each["work_pool"]["name"] for each in deployments if "fit.py" in each["entrypoint"]}

    assert pools_of_fit(where) == {"big": "trainers", "huge": "gpu"}
    assert pools_of_fit(settings({"PERENNIAL_HOME": str(where.home)})) == {}


@pytest.mark.slow
def test_scheduled_cycles_move_to_the_pool_of_the_declared_size_and_back(prefect_server: str, tmp_path: Path) -> None:
    World(tmp_path / "usecases").declare(
        triggers={"schedule": "0 6 * * *"}, compute={"train": "big", "default": "small"}
    )
    file = tmp_path / "prefect.yaml"

    def deployed(pools: str) -> dict[str, tuple[str, list[str]]]:
        """Deployment of cycles → its pool, and the use cases that it has a schedule of."""
        environ = {"PERENNIAL_USECASES": str(tmp_path / "usecases"), "PERENNIAL_POOLS": pools}
        here = settings({"PERENNIAL_HOME": str(tmp_path), **environ})
        content = _with_schedules(plan_of(here.usecases, here.pools), here)
        content["deployments"] = [each for each in content["deployments"] if each["entrypoint"].endswith(":cycle")]
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        command = [sys.executable, "-m", "perennial.processes.deploy_all", str(file)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environ, "PWD": str(ROOT)}, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr
        made = [each for each in ask("/deployments/filter") if each["entrypoint"].endswith("cycle.py:cycle")]
        return {each["name"]: (each["work_pool_name"], [of["slug"] for of in each["schedules"]]) for each in made}

    with deployments_removed():
        assert deployed("big=trainers,small=cycles") == {"cycle": ("perennial", []), "small": ("cycles", ["shop"])}
        assert deployed("") == {"cycle": ("perennial", ["shop"]), "small": ("cycles", [])}
        assert (
            plan_of(tmp_path / "usecases", read_pools("big=trainers"))
            .mistaken["shop"]
            .startswith("compute.default: no work pool has the size 'small'")
        )


def test_up_has_a_worker_for_one_training_at_a_time_of_every_size(where: Settings) -> None:
    ports = ports_of(where)
    parts = {part.name: part for part in parts_of(where, ports, runs=2)}
    assert {"worker", "worker-big", "worker-huge"} <= set(parts)
    command = parts["worker-big"].start.args  # type: ignore[attr-defined]
    assert command[command.index("--pool") + 1 : command.index("--pool") + 2] == ("trainers",)
    assert command[command.index("--limit") + 1] == "1"
    assert len(set(ports.values())) == len(ports)
