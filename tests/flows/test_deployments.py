"""`prefect deploy --all` on a real server, and what its worker does when a form, a watcher or an event asks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Episode
from tests.flows.conftest import Lived, ask, deployments_removed, ended, living_in, runs_of, until

ROOT = Path(__file__).parents[2]
PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]
PEOPLE = ["approve", "erase", "refuse", "requeue", "resume", "retrain", "rollback", "waive"]
OTHERS = [
    *("anchor", "backfill", "backtest", "collect", "cycle", "decide", "dossier", "ingest", "score", "stage", "train"),
    *("fit", "fleet", "maintain", "openlineage", "retain", "watch"),
]
FLOWS = sorted([*OTHERS, *PEOPLE])

ASKED = {
    "approve": ("by", "reason"),
    "refuse": ("by", "reason"),
    "erase": ("keys_file", "by", "reason"),
    "fit": ("as_of", "trigger", "declaration", "ledger"),
    "rollback": ("reason",),
    "resume": ("by", "reason"),
    "retrain": ("reason",),
    "waive": ("window", "by", "reason"),
}
"""What a person must fill in besides the use case."""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Deployed:
    """A server that knows the deployments."""

    home: Lived

    @property
    def environment(self) -> dict[str, str]:
        """Of the worker and of the deploying command; half a dozen processes compile the same modules only once."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return kept | {
            "PERENNIAL_HOME": str(self.home.folder / "home"),
            "PERENNIAL_USECASES": str(self.home.folder / "usecases"),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        }

    def deploy_all(self) -> None:
        """Prefect's own command on our `prefect.yaml`."""
        done = subprocess.run(
            [*PREFECT, "deploy", "--all"], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def deployed(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The shop beside the shipped use case, and `deploy --all`. Other tests of this server find no deployment."""
    folder = tmp_path_factory.mktemp("deployed")
    with living_in(folder) as shop:
        shop.declare(triggers={"on_new_batch": False, "on_drift": True})
        for month in ("2023-01", "2023-02"):
            shop.month(month)
        for month in ("2023-03", "2023-04"):
            shop.month(month, flipped=True)
    for file in (ROOT / "usecases").glob("flights.*"):
        shutil.copy(file, folder / "usecases")
    here = Deployed(Lived(folder))
    ask("/work_pools/", {"name": "perennial", "type": "process"})
    with deployments_removed():
        here.deploy_all()
        yield here


@pytest.fixture(scope="module")
def worker(deployed: Deployed) -> Iterator[Deployed]:
    """A worker of the pool; it is stopped and waited for before the server is."""
    log = deployed.home.folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PREFECT, "worker", "start", "--pool", "perennial"],
            cwd=ROOT,
            env=deployed.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield deployed
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@pytest.fixture(scope="module")
def filled_in(worker: Deployed) -> dict[str, Any]:
    """The run that a person starts with the form of `ingest`, after two cycles that made a champion."""
    from flows.backfill import backfill

    with living_in(worker.home.folder):
        backfill("shop", last="2023-02")
    form = deployments()["ingest"]
    asked = ask(f"/deployments/{form['id']}/create_flow_run", {"parameters": {"usecase": "shop", "window": "2023-03"}})
    return ended(asked["id"])


@pytest.fixture(scope="module")
def retrained(worker: Deployed, filled_in: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs of `train` after four looks at the flipped month: the first died before it could ask for one."""
    from flows.watch import watch

    before = {run["id"] for run in runs_of("train")}
    with living_in(worker.home.folder):
        watch("shop", start_training=False)
        for _ in range(3):
            watch("shop")
    asked = [run for run in runs_of("train") if run["id"] not in before]
    return [ended(run["id"]) for run in asked]


@pytest.fixture(scope="module")
def confirmed(worker: Deployed, retrained: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs of `train` after one more batch and a hundred events of another system."""
    from flows.ingest import ingest

    before = {run["id"] for run in runs_of("train")}
    with living_in(worker.home.folder):
        ingest("shop", "2023-04")
    now = datetime.now(UTC).isoformat()
    event = {
        "event": "perennial.drift.confirmed",
        "occurred": now,
        "resource": {"prefect.resource.id": "perennial.usecase.shop", "prefect.resource.name": "shop"},
    }
    ask("/events", [event | {"id": str(uuid.uuid4())} for _ in range(100)])
    until(lambda: [run for run in runs_of("train") if run["id"] not in before])
    started = [run for run in runs_of("train") if run["id"] not in before]
    for run in started:
        ended(run["id"])
    return [ended(run["id"]) for run in runs_of("train") if run["id"] not in before]


def names_of(path: str) -> list[str]:
    """The names of all that the server has of a kind; one that is there twice is named twice."""
    return sorted(each["name"] for each in ask(path))


def deployments() -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in ask("/deployments/filter")}


def test_deploying_leaves_each_flow_once_with_its_schedules_and_automations(deployed: Deployed) -> None:
    assert names_of("/deployments/filter") == FLOWS
    made = {each["name"]: each for each in ask("/automations/filter")}
    assert set(made) == {"perennial-drift-confirmed", "perennial-batch-accepted"}
    assert not made["perennial-batch-accepted"]["enabled"], "cycles score their batches"
    automation = made["perennial-drift-confirmed"]
    assert automation["enabled"]
    assert automation["trigger"]["within"] == 300
    schedules = {name: {each["slug"]: each["active"] for each in of["schedules"]} for name, of in deployments().items()}
    assert {name: made for name, made in schedules.items() if made} == {
        "cycle": {"flights": True},
        "retain": {"daily": True},
        "maintain": {"weekly": True},
        "anchor": {"daily": False},
        "openlineage": {"hourly": False},
    }


def test_the_schedule_is_the_one_that_the_use_case_declares(deployed: Deployed) -> None:
    declared = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text())["triggers"]
    (schedule,) = deployments()["cycle"]["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["cron"] == declared["schedule"]
    assert schedule["schedule"]["timezone"] == declared["timezone"]
    assert schedule["parameters"] == {"usecase": "flights", "trigger": {"kind": "schedule"}}
    planned = runs_of("cycle", deployment_id={"any_": [deployments()["cycle"]["id"]]})
    assert {run["parameters"]["usecase"] for run in planned} <= {"flights"}


def test_forms_offer_the_use_cases_and_explain_each_field(deployed: Deployed) -> None:
    for name, each in deployments().items():
        if name in ("anchor", "collect", "fleet", "maintain", "openlineage", "retain"):
            continue  # for all use cases
        form = each["parameter_openapi_schema"]
        assert form["properties"]["usecase"]["enum"] == ["flights", "shop"], name
        assert form["required"] == ["usecase", *ASKED.get(name, ())], name
        assert all(field.get("description") for field in form["properties"].values()), name
        assert each["description"], name
    trigger = deployments()["train"]["parameter_openapi_schema"]["definitions"]["Trigger"]
    assert "person" in trigger["properties"]["kind"]["enum"]
    assert deployments()["train"]["parameters"] == {"trigger": {"kind": "person", "detail": "requested in Prefect"}}


def test_a_report_links_to_a_form_with_its_fields_filled_in(deployed: Deployed) -> None:
    import json
    from urllib.parse import parse_qs, urlsplit

    from perennial.processes.prefect_server import quiet_flows
    from tasks.forms import form_address

    with quiet_flows():
        address = urlsplit(form_address("approve", usecase="shop", decision="abc") or "")
        assert form_address("nothing", usecase="shop") is None
    assert address.path == f"/deployments/deployment/{deployments()['approve']['id']}/run"
    assert json.loads(parse_qs(address.query)["parameters"][0]) == {"usecase": "shop", "decision": "abc"}


def test_plain_deploy_leaves_the_schedules_of_other_use_cases_and_pauses_alone(deployed: Deployed) -> None:
    cycle = deployments()["cycle"]
    (flights,) = cycle["schedules"]
    place, cron = f"/deployments/{cycle['id']}/schedules", {"cron": "0 7 * * *", "timezone": "UTC"}
    ask(place, [{"slug": "shop", "schedule": cron, "active": True, "parameters": {"usecase": "shop"}}])
    ask(f"{place}/{flights['id']}", {"active": False}, "PATCH")  # as Prefect's UI does, which erases the parameters
    automations = names_of("/automations/filter")
    deployed.deploy_all()
    assert names_of("/deployments/filter") == FLOWS, "each once"
    assert names_of("/automations/filter") == automations
    now = {each["slug"]: each for each in deployments()["cycle"]["schedules"]}
    ask(f"{place}/{now['shop']['id']}", None, "DELETE")
    ask(f"{place}/{flights['id']}", {"active": True, "parameters": flights["parameters"]}, "PATCH")
    assert {slug: each["active"] for slug, each in now.items()} == {"flights": False, "shop": True}
    assert now["flights"]["parameters"] == flights["parameters"]


def test_a_use_case_that_is_not_declared_is_refused_at_the_form(deployed: Deployed) -> None:
    from urllib.error import HTTPError

    with pytest.raises(HTTPError, match="409"):
        ask(f"/deployments/{deployments()['ingest']['id']}/create_flow_run", {"parameters": {"usecase": "shoq"}})


@pytest.mark.long
def test_no_use_case_waits_for_another(deployed: Deployed) -> None:
    """Runs of one use case take turns by themselves: tests/flows/test_turns.py."""
    assert {name: each["global_concurrency_limit"] for name, each in deployments().items()} == dict.fromkeys(FLOWS)


def test_a_form_that_was_filled_in_takes_a_batch_in(worker: Deployed, filled_in: dict[str, Any]) -> None:
    assert filled_in["state"]["type"] == "COMPLETED", filled_in["state"]
    assert filled_in["name"] == "shop-2023-03"
    assert "2023-03" in {batch.window for batch in worker.home.all(BatchEntry)}


def test_watching_asks_the_train_deployment_once_however_often_it_looks(
    worker: Deployed, retrained: list[dict[str, Any]]
) -> None:
    (run,) = retrained
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert run["name"] == "shop-drift"
    (episode,) = worker.home.all(Episode)
    trained = worker.home.all(ChallengerEntry)
    because = [made.trigger.event for made in trained if made.trigger.kind == "drift"]
    place = [made.trigger.kind for made in trained].index("drift")
    assert run["idempotency_key"] == f"drift:shop:{episode.episode}:{trained[place - 1].challenger}"
    assert because == [episode.episode]


def test_a_hundred_events_start_one_training(worker: Deployed, confirmed: list[dict[str, Any]]) -> None:
    (run,) = confirmed
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert run["name"] == "shop-event"
    (made,) = [made for made in worker.home.all(ChallengerEntry) if made.trigger.kind == "event"]
    assert made.trigger.event == run["parameters"]["trigger"]["event"]
