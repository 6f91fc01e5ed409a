"""Events of what happened, on a real server: each once, however often it is announced, and later if it is away."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from perennial.ledger.ledger import Ledger
from perennial.settings import settings
from tests.flows.conftest import ask, until
from tests.ledger.payloads import batch, one_of_each
from tests.world import World

pytestmark = pytest.mark.slow

ANNOUNCED = {
    "perennial.batch.accepted",
    "perennial.drift.opened",
    "perennial.drift.rose",
    "perennial.drift.closed",
    "perennial.decision.made",
    "perennial.release.changed",
    "perennial.releases.frozen",
    "perennial.releases.resumed",
}


def events_about(usecase: str) -> list[dict[str, Any]]:
    filters = {"resource": {"id": [f"perennial.usecase.{usecase}"]}, "order": "ASC"}
    return list(ask("/events/filter", {"filter": filters, "limit": 50})["events"])


@pytest.fixture
def ledger(home: Path, world: World) -> Ledger:
    ledger = Ledger(settings().database_url)
    for payload in one_of_each().values():
        ledger.append("bazaar", payload)
    return ledger


def test_each_thing_that_happened_is_announced_once_and_later_if_the_server_is_away(
    flows: None, ledger: Ledger, home: Path
) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from tasks.events import announce

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        announce("bazaar")
    announce("bazaar")
    (home / "announced" / "bazaar").unlink()  # as if the process had died before it noted what it sent
    announce("bazaar")
    ledger.append("bazaar", batch("2024-03", status="held", held_because=("too few rows",)))
    announce("bazaar")
    announce("bazaar")
    wanted = Counter(ANNOUNCED | {"perennial.batch.held"})
    until(lambda: len(events_about("bazaar")) >= wanted.total())
    assert Counter(event["event"] for event in events_about("bazaar")) == wanted
    (held,) = [event for event in events_about("bazaar") if event["event"] == "perennial.batch.held"]
    assert held["payload"]["usecase"] == "bazaar"
    assert held["payload"]["batch"] == "2024-03"
    assert held["payload"]["held_because"] == ["too few rows"]
    (rose,) = [event for event in events_about("bazaar") if event["event"] == "perennial.drift.rose"]
    said = {name: rose["payload"][name] for name in ("episode", "channel", "severity", "detail")}
    assert said == {"episode": "level@1", "channel": "level", "severity": "page", "detail": "much worse"}
    assert held["resource"]["prefect.resource.id"] == "perennial.usecase.bazaar"


def test_an_event_without_a_row_is_sent_once_if_it_has_an_id(flows: None, world: World, home: Path) -> None:
    from tasks.events import emit

    for _ in range(2):
        assert emit("stall", "perennial.alert.failed", {"target": "ops"}, uuid5(NAMESPACE_URL, str(home)))
    until(lambda: events_about("stall"))
    (event,) = events_about("stall")
    assert event["payload"] == {"usecase": "stall", "target": "ops"}
