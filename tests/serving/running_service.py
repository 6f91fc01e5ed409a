"""`perennial serve` in a separate process, and clients that ask it over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from perennial.processes.ports import free_port
from tests.in_pipes import Ended, in_pipes

STARTS_WITHIN = 240
"""Seconds; a busy machine is no failure."""


@dataclass(frozen=True)
class Place:
    """A home with the use case `shop`, of which several versions have been released."""

    home: Path
    usecases: Path

    @property
    def served(self) -> Path:
        """The log of served predictions."""
        return self.home / "served"

    def environment(self, **more: str) -> dict[str, str]:
        """Of the commands that run on it."""
        ours = {"PERENNIAL_HOME": str(self.home), "PERENNIAL_USECASES": str(self.usecases)}
        others = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL", "MLFLOW"))}
        return {**others, **ours, **more}

    def command(self, *arguments: str, **more: str) -> Ended:
        """Run a command to its end."""
        return in_pipes(*arguments, environment=self.environment(**more))


@dataclass
class Running:
    """A service, and a client that keeps its connections. No proxy of the machine stands between them."""

    process: subprocess.Popen[bytes]
    port: int
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=60)

    def ready(self) -> dict[str, Any]:
        """The shop's entry in /ready."""
        states: list[dict[str, Any]] = self.client.get("/ready").json()["usecases"]
        return states[0]

    def predict(self, records: Any, **how: Any) -> httpx.Response:
        """Ask in the service's own protocol."""
        return self.client.post("/usecases/shop/predict", json=records, **how)

    def refused(self, content: bytes, path: str = "/usecases/shop/predict") -> tuple[int, str, list[dict[str, Any]]]:
        """Status, code and mistakes of a request that is not answered with predictions."""
        response = self.client.post(path, content=content)
        error = response.json()["error"]
        return response.status_code, error["code"], error["mistakes"]


@contextmanager
def serving(place: Place, *arguments: str, **environment: str) -> Iterator[Running]:
    """A service of the shop that answers. It is stopped at the end, unless it was killed."""
    port = free_port(0, "a service")
    process = subprocess.Popen(
        [sys.executable, "-m", "perennial.cli", "serve", "shop", "--port", str(port), *arguments],
        env=place.environment(**environment),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    running = Running(process, port)
    try:
        wait_for(lambda: _answers(running))
        yield running
    finally:
        running.client.close()
        if process.poll() is None:
            process.terminate()
        process.wait(STARTS_WITHIN)


def _answers(running: Running) -> bool:
    assert running.process.poll() is None, "the service ended by itself"
    try:
        return running.client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(true: Any) -> None:
    """Ask until the answer is yes."""
    ends = time.monotonic() + STARTS_WITHIN
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)
