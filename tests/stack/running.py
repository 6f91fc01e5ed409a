"""A running `perennial up`: what its processes, its Prefect server and its pages show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import psutil

from perennial.ledger.ledger import Ledger
from perennial.processes.parts import MARK
from perennial.processes.up_record import UpRecord
from perennial.settings import Settings


@dataclass(frozen=True)
class Stack:
    """The home of a stack, its log, and the process that supervises it."""

    where: Settings
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_ready(self) -> None:
        """Until every part is ready."""
        until(lambda: self.process.poll() is not None or self._is_ready())
        assert self.process.poll() is None, self.log.read_text()

    def _is_ready(self) -> bool:
        record = UpRecord.read(self.where)
        return record is not None and record.pid == self.process.pid and record.is_ready

    def command(self, *words: str) -> None:
        """Run `perennial WORDS` on the stack's home."""
        done = subprocess.run(
            [sys.executable, "-m", "perennial.cli", *words],
            env=environment_of(self.where.home.parent),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def record(self) -> UpRecord:
        record = UpRecord.read(self.where)
        assert record is not None
        return record

    def pid(self, part: str) -> int:
        pid = self.record.parts[part].pid
        assert pid is not None, part
        return pid

    def api(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """What the stack's Prefect server answers; it is asked again while its database is busy."""
        data = None if method == "GET" else json.dumps({} if body is None else body).encode()
        address = f"{self.record.addresses['prefect']}/api{path}"
        return until(lambda: _asked(Request(address, data, {"Content-Type": "application/json"}, method=method)))[0]

    def runs(self, flow: str) -> list[dict[str, Any]]:
        body = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return list(self.api("/flow_runs/filter", body))

    def ended(self, run: str) -> dict[str, Any]:
        """A flow run once it is over."""

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = self.api(f"/flow_runs/{run}", method="GET")
            return found if found["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

        return dict(until(over))

    def deployments(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.api("/deployments/filter")}

    def schedules(self) -> dict[str, dict[str, Any]]:
        """The schedules of cycles, by their slug."""
        return {str(each["slug"]): each for each in self.deployments()["cycle"]["schedules"]}

    def fill_in(self, form: str, **fields: Any) -> dict[str, Any]:
        """The finished run of a form."""
        run = self.api(f"/deployments/{self.deployments()[form]['id']}/create_flow_run", {"parameters": fields})
        return self.ended(run["id"])

    def all(self, kind: type[Any], usecase: str = "shop") -> list[Any]:
        return [row.payload for row in Ledger(self.where.database_url).all(usecase, kind)]


def _asked(request: Request) -> tuple[Any] | None:
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            return (json.loads(answer.read() or "null"),)
    except HTTPError as error:
        if error.code != 503:
            raise
        return None


def get(address: str) -> tuple[int, str]:
    """Status and text of a page; status 0 if nothing answers."""
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except URLError:
        return 0, ""


def until(found: Callable[[], Any], seconds: float = 240) -> Any:
    """What `found` gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"nothing came in {seconds:.0f} s"
        time.sleep(0.5)  # asking the server ten times a second would take a core of the machine
    return value


def processes_of(where: Settings) -> list[int]:
    """Everything alive that belongs to a home's stack or its Prefect server."""
    found = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            ours = str(where.home) in (variables.get(MARK), variables.get("PERENNIAL_HOME"))
            if ours or variables.get("PREFECT_HOME") == str(where.prefect_home):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def environment_of(folder: Path) -> dict[str, str]:
    """Settings that lead to the home and the use cases of a folder, and to no other server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_", "PREFECT_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_USECASES": str(folder / "usecases")}


def start_up(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """`perennial up` as a person starts it, on the home and the use cases of a folder."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "perennial.cli", "up"],
            env=environment_of(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
