"""The demo's own Prefect server: one, quiet, there to be looked at, and gone when asked to stop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from perennial.errors import InputError, TerminalError, TransientError
from perennial.processes import server_process
from perennial.processes.prefect_server import (
    Server,
    environment,
    running_server,
    start_server,
    stop_server,
    wait_for,
)
from perennial.processes.server_users import users_of
from perennial.settings import Settings, settings
from tests.prefect_once import copy_database


def ensure_server(settings: Settings) -> Server:
    return wait_for(start_server(settings))


TINY = """
from prefect import flow, get_run_logger
from perennial.engine.dask import log
from perennial.processes.prefect_server import quiet_flows

@flow(flow_run_name="look for me")
def tiny(fail: bool = False) -> None:
    get_run_logger().info("logged in the flow")
    log.info("12 parts on the dask engine")
    if fail:
        raise ValueError("wrong on purpose")

with quiet_flows():
    tiny()
    try:
        tiny(fail=True)
    except ValueError as error:
        print("error:", error)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home whose server outlives a test: each states what it needs."""
    here = settings({"PERENNIAL_HOME": str(tmp_path_factory.mktemp("home"))})
    copy_database(here.prefect_home / "prefect.db")
    yield here
    stop_server(here)


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Settings]:
    here = settings({"PERENNIAL_HOME": str(tmp_path / "other")})
    yield here
    stop_server(here)


def flow_runs(server: Server) -> int:
    body = Request(
        f"{server.url}/flow_runs/count", data=b"{}", headers={"content-type": "application/json"}, method="POST"
    )
    with urlopen(body, timeout=30) as answer:
        return int(answer.read())


def run_tiny(server: Server) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", TINY],
        env=os.environ | environment(server),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def processes_of(here: Settings) -> set[int]:
    found = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get("PREFECT_HOME") == str(here.prefect_home):
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_a_flow_prints_nothing_and_its_log_lines_are_on_the_server(home: Settings) -> None:
    server = ensure_server(home)
    done = run_tiny(server)
    assert done.stdout == "error: wrong on purpose\n"
    assert done.stderr == ""
    asked = Request(
        f"{server.url}/logs/filter", data=b"{}", headers={"content-type": "application/json"}, method="POST"
    )
    with urlopen(asked, timeout=30) as answer:
        lines = {line["message"] for line in json.load(answer)}
    assert {"logged in the flow", "12 parts on the dask engine"} <= lines
    with urlopen(server.ui, timeout=30) as page:
        assert page.status == 200


@pytest.mark.slow
def test_after_a_kill_a_new_server_shows_the_same_runs_at_the_same_address_until_it_is_stopped(home: Settings) -> None:
    first = ensure_server(home)
    again = ensure_server(home)
    assert (again.pid, again.url, again.started) == (first.pid, first.url, False)
    run_tiny(first)
    before = flow_runs(first)
    assert first.pid
    process = psutil.Process(first.pid)
    process.kill()
    process.wait(10)

    second = ensure_server(home)
    assert second.started
    assert second.pid != first.pid
    assert second.url == first.url
    assert flow_runs(second) == before >= 2
    assert running_server(home) == Server(second.url, second.pid, started=False, home=home.prefect_home)

    assert stop_server(home)
    assert processes_of(home) == set()
    assert running_server(home) is None
    assert not stop_server(home)


def test_a_server_that_is_stopped_while_it_starts_can_be_started_again_and_leaves_no_trace(
    other_home: Settings,
) -> None:
    server = start_server(other_home)
    assert server.log is not None
    server.log.write_text("Traceback (most recent call last):\n  of an earlier start\nOSError: no\n")
    assert stop_server(other_home)
    with pytest.raises(TransientError) as raised:
        wait_for(server)
    assert (raised.value.code, raised.value.kind) == ("prefect-unreachable", "transient")
    assert "perennial down" in str(raised.value) and "Traceback" not in str(raised.value)


def test_a_server_is_stopped_only_if_those_who_use_it_let_it(other_home: Settings) -> None:
    def refuse(server: Server) -> None:
        raise TransientError(f"process {server.pid} is used")

    pid = start_server(other_home).pid
    with pytest.raises(TransientError, match=f"process {pid} is used"):
        stop_server(other_home, refuse)
    running = running_server(other_home)
    assert running is not None and running.pid == pid
    assert os.getpid() in users_of(other_home.prefect_home)


def test_two_callers_at_once_start_one_server(other_home: Settings) -> None:
    with ThreadPoolExecutor(4) as callers:
        servers = list(callers.map(lambda _: start_server(other_home), range(4)))
    assert len({server.pid for server in servers}) == 1
    assert [server.started for server in servers].count(True) == 1
    assert len(processes_of(other_home)) == 1


def test_deleting_the_home_does_not_leave_its_old_server_behind(other_home: Settings) -> None:
    old = start_server(other_home)
    shutil.rmtree(other_home.home)
    new = start_server(other_home)
    assert new.started and new.pid is not None and new.pid != old.pid
    assert server_process.serves(psutil.Process(new.pid), other_home.prefect_home), "waits until it shows its variables"
    assert processes_of(other_home) == {new.pid}


def test_a_pid_that_now_belongs_to_another_process_is_not_our_server(other_home: Settings) -> None:
    other_home.prefect_home.mkdir(parents=True)
    record = {"pid": os.getpid(), "port": 4200, "created": psutil.Process().create_time() - 1000}
    (other_home.prefect_home / "server.json").write_text(json.dumps(record))
    assert running_server(other_home) is None
    assert not stop_server(other_home)


def test_a_server_that_cannot_start_is_reported_with_its_error_but_no_trace(
    other_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(server_process.SERVER_OPTIONS, "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE", "many")
    with pytest.raises(TerminalError, match=r"cannot start:\n(?s:.*)batch_size(?s:.*)server\.log") as raised:
        ensure_server(other_home)
    assert "Traceback" not in str(raised.value) and 'File "' not in str(raised.value)
    assert running_server(other_home) is None


def test_somebody_elses_server_that_does_not_answer(tmp_path: Path) -> None:
    here = settings({"PERENNIAL_HOME": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:9/api"})
    with pytest.raises(TransientError, match=r"PREFECT_API_URL: no Prefect server answers at http://127.0.0.1:9/api"):
        ensure_server(here)
    assert not (tmp_path / "prefect").exists()


@pytest.mark.parametrize(("status", "error"), [(200, None), (401, None), (404, InputError), (503, TransientError)])
def test_what_somebody_elses_server_answers(tmp_path: Path, status: int, error: type[Exception] | None) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as site:
        threading.Thread(target=site.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{site.server_port}/api"
        here = settings({"PERENNIAL_HOME": str(tmp_path), "PREFECT_API_URL": url + "/"})
        if error:
            with pytest.raises(error, match="PREFECT_API_URL"):
                ensure_server(here)
        else:
            assert ensure_server(here) == Server(url, pid=None, started=False, home=None)


def test_somebody_elses_server_keeps_its_own_profile() -> None:
    variables = environment(Server("https://prefect.example/api", pid=None, started=False, home=None))
    assert "PREFECT_HOME" not in variables and "PREFECT_API_SSL_CERT_FILE" not in variables


def test_a_run_on_our_own_server_which_has_no_tls_reads_no_authorities(tmp_path: Path) -> None:
    variables = environment(Server("http://127.0.0.1:4321/api", pid=1, started=False, home=tmp_path))
    code = (
        "from prefect.client.orchestration import get_client\n"
        "context = get_client(sync_client=True)._client._transport._pool._ssl_context\n"
        "print(context.cert_store_stats()['x509'], len(context.get_ca_certs()))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | variables, capture_output=True, text=True)
    assert done.stdout == "1 0\n", done.stderr


def test_our_own_server_is_reached_past_a_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "intranet.example")
    variables = environment(Server("http://127.0.0.1:4321/api", pid=1, started=False, home=tmp_path))
    assert variables["no_proxy"] == "intranet.example,127.0.0.1,localhost"


def test_waiting_ends(tmp_path: Path) -> None:
    silent = Server("http://127.0.0.1:9/api", pid=os.getpid(), started=False, home=tmp_path)
    with pytest.raises(TransientError, match=r"does not answer .* after 0 s\n(?s:.*)perennial down"):
        wait_for(silent, seconds=0.0)


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_a_socks_proxy_does_not_stand_between_us_and_our_own_server(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import httpx

    monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    for name, value in environment(Server("http://127.0.0.1:4321/api", pid=1, started=False, home=tmp_path)).items():
        monkeypatch.setenv(name, value)
    httpx.Client().close()  # raises where a proxy is meant that it has no package for


def test_a_proxy_before_somebody_elses_server_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = Server("http://prefect.example:9/api", pid=None, started=False, home=None)
    monkeypatch.setenv("HTTP_PROXY", "http://ada:s3cret@127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://ada:s3cret@127.0.0.1:9")
    with pytest.raises(TransientError, match="no Prefect server answers at") as caught:
        wait_for(theirs)
    assert "the proxy of http_proxy (http://***@127.0.0.1:9)" in caught.value.fix
    assert "NO_PROXY" in caught.value.fix and "s3cret" not in str(caught.value)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.delenv("http_proxy")
    monkeypatch.delenv("HTTP_PROXY")
    with pytest.raises(InputError, match=r"ALL_PROXY: .* is a SOCKS proxy"):
        wait_for(theirs)


def test_a_copy_of_a_home_leaves_the_server_of_the_original_alone(home: Settings, tmp_path: Path) -> None:
    original = ensure_server(home)
    shutil.copytree(home.prefect_home, tmp_path / "copy" / "prefect")
    copy = settings({"PERENNIAL_HOME": str(tmp_path / "copy")})
    assert running_server(copy) is None
    assert not stop_server(copy)
    assert running_server(home) == replace(original, started=False)


def test_a_server_of_another_user_is_seen_and_is_not_stopped(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = ensure_server(home)

    def denied(process: psutil.Process) -> dict[str, str]:
        raise psutil.AccessDenied(process.pid)

    def not_permitted(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as as_another:
        as_another.setattr(psutil.Process, "environ", denied)
        as_another.setattr(os, "killpg", not_permitted)
        assert running_server(home) == replace(ours, started=False)
        with pytest.raises(InputError, match="belongs to another user and was not stopped"):
            stop_server(home)
    assert running_server(home) == replace(ours, started=False)


def test_a_home_that_is_moved_while_its_server_runs_gets_another_server(other_home: Settings, tmp_path: Path) -> None:
    before = start_server(other_home)
    assert before.pid is not None
    (tmp_path / "other").rename(tmp_path / "moved")
    moved = settings({"PERENNIAL_HOME": str(tmp_path / "moved")})
    assert running_server(moved) is None
    try:
        assert start_server(moved).pid != before.pid
        assert not psutil.pid_exists(before.pid) or psutil.Process(before.pid).status() == psutil.STATUS_ZOMBIE
    finally:
        stop_server(moved)
