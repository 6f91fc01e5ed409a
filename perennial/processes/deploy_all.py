"""The process that deploys: `python -m perennial.processes.deploy_all FILE [USECASE ...]`.

FILE: a `prefect.yaml`. USECASE: names whose schedule is kept although FILE has none for them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from prefect.cli import app
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.process import ProcessWorker

from perennial.processes.deployments import FLEET, POOL, SCHEDULED


def main(file: Path, kept: frozenset[str]) -> None:
    """Make the pool, remove schedules that no declaration asks for any more, deploy."""
    content = yaml.safe_load(file.read_text())
    scheduled = {each["name"]: each.get("schedules") or [] for each in content["deployments"]}
    with get_client(sync_client=True) as client:
        _make_pool(client)
        for name, about in ((SCHEDULED, "usecase"), (FLEET, "template")):
            _clear_schedules(client, name, about, kept | {schedule["slug"] for schedule in scheduled[name]})
    sys.argv = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    app()


def _make_pool(client: SyncPrefectClient) -> None:
    template = ProcessWorker.get_default_base_job_template()
    try:
        client.create_work_pool(WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template))
    except ObjectAlreadyExists:
        return


def _clear_schedules(client: SyncPrefectClient, name: str, about: str, wanted: frozenset[str]) -> None:
    """Remove the schedules of what has none any more, and name those that people added without a name.

    about: the parameter of the deployment with that name that a schedule is about.

    Prefect replaces all schedules of a deployment if one of them has no slug. Pausing a schedule in its UI erases the
    parameters (3.9.1: a PATCH without them sets them to nothing), so that one of ours may have none.
    """
    try:
        deployment = client.read_deployment_by_name(f"{name}/{name}")
    except ObjectNotFound:
        return
    for schedule in deployment.schedules:
        place = f"/deployments/{deployment.id}/schedules/{schedule.id}"
        ours = schedule.parameters in ({}, {about: schedule.slug, "trigger": {"kind": "schedule"}})
        if schedule.slug is None:
            named = {"slug": f"added-{str(schedule.id)[:8]}", "parameters": schedule.parameters}
            client.request("PATCH", place, json=named).raise_for_status()  # type: ignore[arg-type]
        elif ours and schedule.slug not in wanted:
            client.request("DELETE", place).raise_for_status()  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]), frozenset(sys.argv[2:]))
