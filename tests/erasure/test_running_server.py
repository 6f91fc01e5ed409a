"""An erasure while the home's Prefect server runs and has the person in logs, artifacts and parameters."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from perennial.processes.prefect_server import Server, start_server, stop_server, wait_for
from perennial.settings import settings
from tests.erasure.conftest import ASKED, KEY, OF_THE_PERSON, Ask
from tests.erasure.search import files_with
from tests.prefect_once import copy_database
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def server(shop: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on the home's own database, as `perennial up` starts it."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    where = settings()
    for file in where.prefect_home.iterdir():
        file.unlink()
    copy_database(where.prefect_home / "prefect.db")
    server = start_server(where)
    try:
        wait_for(server)
        yield server
    finally:
        stop_server(where)


def _post(server: Server, path: str, body: Any) -> Any:
    """The server's answer. One that has just started may ask to come again, for it is writing its own first rows."""
    request = Request(f"{server.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    while True:
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
                return json.loads(answer.read() or "null")
        except HTTPError as asked:
            if asked.code != 503:
                raise


def test_nothing_of_the_person_is_left_and_the_server_goes_on(server: Server, shop: World, ask: Ask) -> None:
    flow = _post(server, "/flows/", {"name": "collect"})["id"]
    run = _post(server, "/flow_runs/", {"flow_id": flow, "parameters": {"order": KEY}, "tags": [OF_THE_PERSON[1]]})[
        "id"
    ]
    line = {"name": "x", "level": 20, "timestamp": datetime.now(UTC).isoformat(), "flow_run_id": run}
    _post(server, "/logs/", [{**line, "message": f"row {KEY} was set aside"}])
    _post(server, "/artifacts/", {"key": "seen", "data": f"price {OF_THE_PERSON[3]}", "flow_run_id": run})
    event = {"event": "seen", "occurred": line["timestamp"], "id": str(uuid.uuid4())}
    _post(server, "/events", [{**event, "resource": {"prefect.resource.id": f"order.{OF_THE_PERSON[2]}"}}])
    erased = ask(*ASKED)
    assert erased.code == 0, erased.err
    assert files_with(settings().home, OF_THE_PERSON) == []
    (found,) = _post(server, "/flow_runs/filter", {})
    assert (found["parameters"], found["tags"]) == ({"order": "[erased]"}, ["[erased]"])
    assert [each["message"] for each in _post(server, "/logs/filter", {})] == ["row [erased] was set aside"]
    assert [each["data"] for each in _post(server, "/artifacts/filter", {})] == ["price [erased]"]
