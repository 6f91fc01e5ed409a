"""`perennial up` with everything real: it becomes ready, runs what is due, survives crashes and leaves nothing behind.

One story on one home; each test looks at what was seen of it.
"""

from __future__ import annotations

import os
import signal
import socket
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.ledger.entries import BatchEntry, ChallengerEntry
from perennial.settings import settings
from tests.stack.running import Stack, get, processes_of, start_up, until
from tests.world import World

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

PARTS = {"server", "site", "mlflow", "deployer", "worker", "alerts", "service"}


@dataclass
class Seen:
    """What was seen of the story."""

    text: str = ""
    first: dict[str, int] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    scheduled: dict[str, Any] = field(default_factory=dict)
    retrained: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    by_event: list[dict[str, Any]] = field(default_factory=list)
    metrics: str = ""
    with_mistake: dict[str, dict[str, Any]] = field(default_factory=dict)
    without_kiosk: dict[str, dict[str, Any]] = field(default_factory=dict)
    restarted: dict[str, tuple[int, int]] = field(default_factory=dict)
    orphans: int = 0
    left_by_down: list[int] = field(default_factory=list)
    second: dict[str, int] = field(default_factory=dict)
    left_by_interrupt: list[int] = field(default_factory=list)
    open_ports: list[int] = field(default_factory=list)
    exit_code: int | None = None


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A shop with two months and a schedule that fires each minute: started, used, broken, stopped."""
    folder, seen = tmp_path_factory.mktemp("stack"), Seen()
    world = World(folder / "usecases", rows_a_day=20)
    world.declare(triggers={"schedule": "* * * * *", "on_new_batch": True})
    for month in ("2023-01", "2023-02"):
        world.month(month)
    where = settings({"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_USECASES": str(world.usecases)})
    stack = Stack(where, start_up(folder, folder / "up.log"), folder / "up.log")
    try:
        _started(stack, seen)
        _used(stack, world, seen)
        _parts_killed(stack, seen)
        _supervisor_killed(stack, folder, seen)
        stack = Stack(where, start_up(folder, folder / "up.log"), folder / "up.log")
        _interrupted(stack, seen)
    finally:
        if stack.process.poll() is None:
            stack.process.terminate()
            stack.process.wait(60)
    return seen


def _started(stack: Stack, seen: Seen) -> None:
    stack.wait_until_ready()
    seen.text, seen.first = stack.log.read_text(), stack.record.ports
    seen.pages = {address: get(address)[0] for address in stack.record.addresses.values()}
    site = stack.record.addresses["site"]
    for path in ("health", "metrics", "ledger.db", "pages/%2e%2e/ledger.db", "pages/..%2fledger.db"):
        seen.pages[path] = get(site + path)[0]


def _used(stack: Stack, world: World, seen: Seen) -> None:
    (first,) = until(lambda: [run for run in stack.runs("cycle") if run["state"]["type"] != "SCHEDULED"][:1])
    cycle = f"/deployments/{stack.deployments()['cycle']['id']}/schedules"
    stack.api(f"{cycle}/{stack.schedules()['shop']['id']}", {"active": False}, "PATCH")  # as Prefect's UI does it
    seen.scheduled = stack.ended(first["id"])
    seen.retrained = stack.fill_in("retrain", usecase="shop", reason="the prices changed")
    _events(stack, seen)
    seen.reasons = [each.trigger.detail for each in stack.all(ChallengerEntry)]
    seen.windows = [each.window for each in stack.all(BatchEntry)]
    site = stack.record.addresses["site"]
    seen.pages["shop"], seen.metrics = get(f"{site}pages/shop.html")[0], get(f"{site}metrics")[1]
    _redeployed(stack, world, seen)


def _redeployed(stack: Stack, world: World, seen: Seen) -> None:
    """Use cases come, break and go while people change schedules in Prefect."""
    source, monthly = {"kind": "files", "path": "shop", "batch": "file"}, {"schedule": "0 6 2 * *"}
    kiosk = {**world.declaration, "name": "kiosk", "source": source, "triggers": monthly}
    (world.usecases / "kiosk.yaml").write_text(yaml.safe_dump(kiosk))
    until(lambda: "kiosk" in stack.schedules())
    until(lambda: "kiosk" in str(stack.deployments()["approve"]["parameter_openapi_schema"]))
    cycle = f"/deployments/{stack.deployments()['cycle']['id']}/schedules"
    until(lambda: stack.schedules()["shop"]["parameters"])
    theirs = {"cron": "0 7 * * *", "timezone": "UTC"}
    stack.api(cycle, [{"schedule": theirs, "active": True, "parameters": {"usecase": "shop"}}])
    (world.usecases / "kiosk.yaml").write_text("name: kiosk\nsource: nowhere\n")
    (world.usecases / "stall.yaml").write_text(yaml.safe_dump({**kiosk, "name": "stall"}))
    until(lambda: "stall" in stack.schedules())
    seen.with_mistake = stack.schedules()
    (world.usecases / "kiosk.yaml").unlink()
    until(lambda: "kiosk" not in stack.schedules())
    until(lambda: "kiosk" not in str(stack.deployments()["approve"]["parameter_openapi_schema"]))
    seen.without_kiosk = stack.schedules()


def _events(stack: Stack, seen: Seen) -> None:
    """Two hundred events of another system at once."""
    resource = {"prefect.resource.id": "perennial.usecase.shop", "prefect.resource.name": "shop"}
    now = datetime.now(UTC)
    event = {"event": "perennial.drift.confirmed", "occurred": now.isoformat(), "resource": resource}
    for _ in range(2):
        stack.api("/events", [event | {"id": str(uuid.uuid4())} for _ in range(100)])
    (run,) = until(lambda: stack.runs("train"))
    stack.ended(run["id"])
    seen.by_event = [stack.ended(each["id"]) for each in stack.runs("train")]


def _parts_killed(stack: Stack, seen: Seen) -> None:
    before = {part: stack.pid(part) for part in PARTS}
    for part in PARTS:
        os.kill(before[part], signal.SIGKILL)
    until(lambda: all(each.restarts for each in stack.record.parts.values()))
    stack.wait_until_ready()
    seen.restarted = {part: (before[part], stack.pid(part)) for part in PARTS}


def _supervisor_killed(stack: Stack, folder: Path, seen: Seen) -> None:
    stack.process.kill()
    stack.process.wait()
    seen.orphans = len(processes_of(stack.where))
    stack.command("down")
    seen.left_by_down = processes_of(stack.where)


def _interrupted(stack: Stack, seen: Seen) -> None:
    stack.wait_until_ready()
    seen.second = stack.record.ports
    ports = [*seen.second.values(), int(stack.record.addresses["prefect"].rpartition(":")[2])]
    stack.process.send_signal(signal.SIGINT)
    seen.exit_code = stack.process.wait(60)
    seen.left_by_interrupt = processes_of(stack.where)
    seen.open_ports = [port for port in ports if _listens(port)]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_fresh_home_becomes_ready_and_its_addresses_are_printed(seen: Seen) -> None:
    addresses = [address for address in seen.pages if address.startswith("http")]
    assert len(addresses) == 4
    assert all(address in seen.text and seen.pages[address] == 200 for address in addresses)
    assert seen.pages["health"] == 200


def test_the_site_serves_pages_and_nothing_else_of_the_home(seen: Seen) -> None:
    assert {seen.pages[path] for path in seen.pages if "ledger.db" in path} == {404}


def test_a_schedule_fires_and_takes_the_first_batch_in(seen: Seen) -> None:
    assert seen.scheduled["state"]["type"] == "COMPLETED", seen.scheduled["state"]
    assert seen.scheduled["name"] == "shop-2023-01: no decision"
    assert "shop" in seen.scheduled["tags"]
    assert seen.windows[0] == "2023-01"


def test_a_form_needs_a_reason_and_the_ledger_has_it(seen: Seen) -> None:
    assert seen.retrained["state"]["type"] == "COMPLETED", seen.retrained["state"]
    assert seen.retrained["name"].startswith("shop: trained version ")


def test_two_hundred_events_start_one_training(seen: Seen) -> None:
    (run,) = seen.by_event
    assert run["state"]["type"] == "COMPLETED", run["state"]


def test_a_use_case_that_is_added_is_deployed_and_a_mistake_keeps_its_schedule(seen: Seen) -> None:
    theirs = {slug for slug in seen.with_mistake if slug.startswith("added-")}
    assert set(seen.with_mistake) == {"shop", "kiosk", "stall", *theirs}
    assert len(theirs) == 1, "a schedule that a person added stays"
    assert seen.with_mistake["kiosk"]["schedule"]["cron"] == "0 6 2 * *"


def test_deploying_again_keeps_a_paused_schedule_paused_and_removes_those_of_removed_use_cases(seen: Seen) -> None:
    assert set(seen.without_kiosk) == set(seen.with_mistake) - {"kiosk"}
    assert not seen.without_kiosk["shop"]["active"]
    assert seen.without_kiosk["shop"]["parameters"]["usecase"] == "shop", "Prefect erases them, the deployer repairs it"
    assert {slug: each["parameters"]["usecase"] for slug, each in seen.without_kiosk.items() if "added" in slug}
    assert seen.without_kiosk["stall"]["active"]


def test_the_page_and_the_metrics_show_what_was_ingested(seen: Seen) -> None:
    assert seen.pages["shop"] == 200
    assert 'perennial_batches{status="accepted",usecase="shop"}' in seen.metrics


def test_every_part_that_is_killed_comes_back(seen: Seen) -> None:
    assert set(seen.restarted) == PARTS
    assert all(before != after for before, after in seen.restarted.values())


def test_down_clears_what_a_killed_up_left_running(seen: Seen) -> None:
    assert seen.orphans >= len(PARTS)
    assert seen.left_by_down == []


def test_an_interrupt_leaves_no_process_and_no_port_and_ports_are_kept_for_the_next_time(seen: Seen) -> None:
    assert seen.exit_code == 0
    assert (seen.left_by_interrupt, seen.open_ports) == ([], [])
    assert seen.second == seen.first
