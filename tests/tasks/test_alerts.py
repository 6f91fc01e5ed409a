"""A deployed run that fails is reported; one that a person started is not, since the person sees it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed

from tasks.alerts import report_failure
from tests.alerting.target import Target
from tests.world import World


@flow
def nothing() -> None:
    """Any flow."""


@pytest.mark.parametrize(("deployment", "messages"), [(uuid4(), 1), (None, 0)])
def test_a_failed_run_of_a_deployment_is_one_message(
    deployment: UUID | None, messages: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target()
    target.up()
    World(tmp_path / "usecases").declare()
    monkeypatch.setenv("PERENNIAL_USECASES", str(tmp_path / "usecases"))
    monkeypatch.setenv("PERENNIAL_ALERTS", target.apprise)
    for _ in range(2):
        run = FlowRun(flow_id=uuid4(), deployment_id=deployment, parameters={"usecase": "shop"})
        report_failure(nothing, run, Failed(message="Flow run encountered an exception: DiskFull: the disk is full"))
    assert target.titles == ["[warning] shop: a cycle failed"] * messages
    target.down()
