"""`perennial down` takes the Prefect server from no command that works on it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import perennial.processes.up
from perennial.errors import TransientError
from perennial.processes.at_work import commands_on
from perennial.processes.prefect_server import Server
from perennial.processes.server_users import note_user, users_of
from perennial.settings import settings

WORKS = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[-1]))):
    print("connected", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """Something that listens in the place of a server."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}/api", pid=1, started=False, home=None)


def test_down_names_the_command_that_works_on_the_server_and_stops_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, port = tmp_path / "perennial", server.url.removesuffix("/api").rpartition(":")[2]
    program.write_text(WORKS)
    command = [sys.executable, str(program), "fleet", "run", port]
    assert commands_on(server) == {}
    monkeypatch.setattr(perennial.processes.up, "running_server", lambda where: server)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as at_work:
        assert at_work.stdout is not None and at_work.stdout.readline() == "connected\n"
        with pytest.raises(TransientError) as raised:
            perennial.processes.up.down(settings({"PERENNIAL_HOME": str(tmp_path / "home")}), force=False)
        assert f"process {at_work.pid}: perennial fleet run {port}" in str(raised.value)
        assert raised.value.code == "still-at-work"
        at_work.communicate("")
    assert commands_on(server) == {}


WAITS = """
import sys
from pathlib import Path
from perennial.processes.server_users import note_user
note_user(Path(sys.argv[-1]))
print("noted", flush=True)
sys.stdin.read()
"""


def test_down_names_the_command_that_waits_for_the_server_to_start(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, where = tmp_path / "perennial", settings({"PERENNIAL_HOME": str(tmp_path / "home")})
    program.write_text(WAITS)
    starting = replace(server, home=where.prefect_home)
    monkeypatch.setattr(perennial.processes.up, "running_server", lambda where: starting)
    command = [sys.executable, str(program), "run", "shop", str(where.prefect_home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as waits:
        assert waits.stdout is not None and waits.stdout.readline() == "noted\n"
        with pytest.raises(TransientError, match=f"process {waits.pid}: perennial run shop"):
            perennial.processes.up.down(where, force=False)
        waits.communicate("")
    assert commands_on(starting) == {}
    note_user(where.prefect_home)
    assert users_of(where.prefect_home) == {os.getpid()}
    assert [each.name for each in (where.prefect_home / "users").iterdir()] == [str(os.getpid())]
