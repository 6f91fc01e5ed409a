"""Deploys every flow with a schedule for each declared use case. Repeating it changes nothing.

`prefect.yaml` holds the deployments; this adds the schedules that the declarations ask for and passes the result to
Prefect's own `deploy --all`, so that both ways give the same deployments.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from perennial.errors import InputError, TerminalError
from perennial.secrets import masked
from perennial.settings import Settings
from perennial.usecase.reading import list_templates, list_use_cases, load_use_case
from perennial.work_pools import WorkPool, pool_for

POOL = "perennial"
ROOT = Path(__file__).resolve().parents[2]
"""The checkout: the flows' entry points and `prefect.yaml` are relative to it."""
FIT = "fit"
"""The deployment that each size of machine has one of, named after it."""
SCHEDULED = "cycle"
"""The deployment that has the schedules, and the flow of it and of those that have the schedules of one size."""
FLEET = "fleet"
"""The same for the schedules of templates."""
ANCHOR, OPENLINEAGE = "anchor", "openlineage"
"""The deployments whose schedules run only where places for anchors, or receivers of events, are set."""


@dataclass(frozen=True)
class Plan:
    """What is to be deployed.

    schedules: use case → its schedule in `prefect.yaml`'s form. without: use cases that declare none.
    mistaken: use case → why its declaration cannot be read; a schedule that it has is kept.
    fleets: template → the schedule of all its members. pools: use case or template → the work pool for the size of
    machine that it declares for its cycles, of those with a schedule.
    """

    schedules: Mapping[str, Mapping[str, Any]]
    without: tuple[str, ...]
    mistaken: Mapping[str, str]
    fleets: Mapping[str, Mapping[str, Any]]
    pools: Mapping[str, WorkPool]


def plan_of(usecases: Path, pools: Sequence[WorkPool] = ()) -> Plan:
    """The schedules that the declarations in a folder ask for. pools: of this site."""
    schedules: dict[str, Mapping[str, Any]] = {}
    fleets: dict[str, Mapping[str, Any]] = {}
    without, mistaken, of_size = [], {}, {}
    templates = {each.name: each for each in list_templates(usecases) if each.members}
    members = {name for template in templates.values() for name in template.members}
    names = [name for name in list_use_cases(usecases) if name not in members]
    for name in [*names, *templates]:
        is_template = name in templates
        try:
            # The members share the schedule.
            read = load_use_case(next(iter(templates[name].members)) if is_template else name, usecases)
            pool = pool_for(read.declaration.compute.default, pools, "compute.default")
        except InputError as error:
            mistaken[name] = str(error)
            continue
        triggers = read.declaration.triggers
        if triggers.schedule is None:
            without.append(name)
            continue
        if pool is not None:
            of_size[name] = pool
        (fleets if is_template else schedules)[name] = {
            "slug": name,
            "cron": triggers.schedule,
            "timezone": triggers.timezone,
            "parameters": {"template" if is_template else "usecase": name, "trigger": {"kind": "schedule"}},
        }
    return Plan(schedules, tuple(without), mistaken, fleets, of_size)


def deploy(where: Settings, environment: Mapping[str, str]) -> Plan:
    """Make the work pool, the deployments and the schedules. Returns what was deployed.

    environment: leads to the Prefect server. It takes a separate process, because the forms list the use cases that
    are declared when the flows are imported.
    Raises TerminalError with the end of Prefect's output.
    """
    plan = plan_of(where.usecases, where.pools)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prefect.yaml"
        file.write_text(yaml.safe_dump(_with_schedules(plan, where), sort_keys=False))
        done = subprocess.run(
            [sys.executable, "-m", "perennial.processes.deploy_all", str(file), *plan.mistaken],
            cwd=ROOT,
            env={**os.environ, **environment, "PWD": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        last = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).rstrip().splitlines()[-12:])
        raise TerminalError(
            f"the deployments could not be made; Prefect reported:\n{masked(last)}", code="deploy-failed"
        )
    return plan


def _with_schedules(plan: Plan, where: Settings) -> dict[str, Any]:
    """The content of `prefect.yaml` with these schedules instead of the example's."""
    wanted = {ANCHOR: bool(where.anchors), OPENLINEAGE: bool(where.openlineage)}
    file = ROOT / "prefect.yaml"
    if not file.is_file():
        raise InputError(
            f"{file} is missing; deployments run from a checkout of Perennial",
            code="no-checkout",
            fix="Clone the repository and install it with `pip install -e .`",
        )
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    for deployment in content["deployments"]:
        if deployment["name"] in wanted:
            for schedule in deployment["schedules"]:
                schedule["active"] = wanted[deployment["name"]]
    content["deployments"] = [sized for each in content["deployments"] for sized in _of_sizes(each, plan, where)]
    return content


def _of_sizes(deployment: dict[str, Any], plan: Plan, where: Settings) -> list[dict[str, Any]]:
    """A deployment as it is, that of `FIT` for each size of machine, or those with the schedules of each size."""
    sized = {pool: {**deployment, "name": pool.size, "work_pool": {"name": pool.name}} for pool in where.pools}
    if deployment["name"] == FIT:
        return list(sized.values())
    if deployment["name"] not in (SCHEDULED, FLEET):
        return [deployment]
    schedules = plan.schedules if deployment["name"] == SCHEDULED else plan.fleets
    of_pool: dict[WorkPool | None, list[Mapping[str, Any]]] = {None: []}
    for name, schedule in schedules.items():
        of_pool.setdefault(plan.pools.get(name), []).append(schedule)
    return [{**(sized[pool] if pool else deployment), "schedules": each or None} for pool, each in of_pool.items()]
