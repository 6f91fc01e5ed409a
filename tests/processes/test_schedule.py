"""The next run is what Prefect has scheduled, not what a declaration wishes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from perennial.processes.schedule import next_scheduled_run
from perennial.settings import settings
from tests.cli.conftest import command
from tests.world import World

RUNS = [
    {"parameters": {"usecase": "flights"}, "expected_start_time": "2024-05-01T06:00:00+00:00"},
    {"parameters": {"usecase": "shop"}, "expected_start_time": "2024-05-02T06:00:00Z"},
    {"parameters": {"usecase": "shop"}, "expected_start_time": "2024-06-02T06:00:00Z"},
]


class _Prefect(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        right = self.path == "/api/flow_runs/filter" and asked["sort"] == "EXPECTED_START_TIME_ASC"
        self.send_response(200 if right else 404)
        self.end_headers()
        self.wfile.write(json.dumps(RUNS).encode())

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Somebody's Prefect server with scheduled runs."""
    server = HTTPServer(("127.0.0.1", 0), _Prefect)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api"
    monkeypatch.setenv("PREFECT_API_URL", url)
    yield url
    server.shutdown()
    server.server_close()


def test_the_first_run_of_this_use_case_is_shown(world: World, theirs: str) -> None:
    assert next_scheduled_run(settings(), "shop") == "2024-05-02T06:00:00Z"
    assert next_scheduled_run(settings(), "flights") == "2024-05-01T06:00:00Z"
    assert next_scheduled_run(settings(), "bikes") is None


def test_a_schedule_that_is_only_declared_is_no_next_run(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    world.declare(triggers={"schedule": "0 6 2 * *"})
    capsys.readouterr()
    assert command("status", "shop", "--json") == 0
    assert json.loads(capsys.readouterr().out)["next_run"] is None
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert command("status", "shop") == 0
    assert "none: nothing is deployed on a schedule" in capsys.readouterr().out
