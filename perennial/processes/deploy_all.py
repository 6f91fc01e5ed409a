"""The process that deploys: `python -m perennial.processes.deploy_all FILE [USECASE ...]`.

FILE: a `prefect.yaml`. USECASE: names whose schedule is kept although FILE has none for them.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Collection
from functools import cache
from pathlib import Path

import yaml
from prefect.cli import app
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

from perennial.processes.deployments import FLEET, SCHEDULED


def main(file: Path, kept: frozenset[str]) -> None:
    """Make the pools, remove schedules that no declaration asks for any more, deploy."""
    # Prefect makes five clients for each deployment, and each reads the certificates of all authorities anew.
    ssl.create_default_context = cache(ssl.create_default_context)  # type: ignore[assignment]
    content = yaml.safe_load(file.read_text())
    scheduled = {
        (each["entrypoint"].rpartition(":")[2], each["name"]): {
            schedule["slug"] for schedule in each["schedules"] or ()
        }
        for each in content["deployments"]
        if "schedules" in each
    }
    with get_client(sync_client=True) as client:
        for pool in sorted({each["work_pool"]["name"] for each in content["deployments"]}):
            _make_pool(client, pool)
        for flow, about in ((SCHEDULED, "usecase"), (FLEET, "template")):
            for deployment in _deployments_of(client, flow):
                _clear_schedules(client, deployment, about, kept | scheduled.get((flow, deployment.name), set()))
    sys.argv = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    app()


def _make_pool(client: SyncPrefectClient, name: str) -> None:
    template = ProcessWorker.get_default_base_job_template()
    try:
        client.create_work_pool(WorkPoolCreate(name=name, type=ProcessWorker.type, base_job_template=template))
    except ObjectAlreadyExists:
        return


def _deployments_of(client: SyncPrefectClient, flow: str) -> list[DeploymentResponse]:
    """Ours of a flow, also those of sizes that nothing asks for any more."""
    of_flow = FlowFilter(name=FlowFilterName(any_=[flow]))
    return [each for each in client.read_deployments(flow_filter=of_flow) if "perennial" in each.tags]


def _clear_schedules(
    client: SyncPrefectClient, deployment: DeploymentResponse, about: str, wanted: Collection[str]
) -> None:
    """Remove the schedules of what has none there any more, and name those that people added without a name.

    about: the parameter of the deployment that a schedule is about.

    Prefect replaces all schedules of a deployment if one of them has no slug. Pausing a schedule in its UI erases the
    parameters (3.9.1: a PATCH without them sets them to nothing), so that one of ours may have none.
    """
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
