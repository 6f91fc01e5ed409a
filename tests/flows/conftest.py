"""Homes that outlive a test, and what Prefect's server records of a run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from perennial.ledger.ledger import Ledger
from perennial.processes.prefect_server import quiet_flows
from tests.places import lead_to
from tests.world import World

FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@contextmanager
def living_in(folder: Path) -> Iterator[World]:
    """The shop of a folder, with the settings leading there, and flows that can be called."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        with quiet_flows():
            yield World(folder / "usecases", rows_a_day=20)


@dataclass(frozen=True)
class Lived:
    """What a home holds after its story."""

    folder: Path

    def all(self, kind: type[Any]) -> list[Any]:
        """Every row of a kind in the shop's ledger."""
        ledger = Ledger(f"sqlite:///{self.folder / 'home' / 'ledger.db'}")
        return [row.payload for row in ledger.all("shop", kind)]


def ask(path: str, body: Any = None, method: str = "POST") -> Any:
    """What the Prefect server answers."""
    data = None if method == "GET" else json.dumps({} if body is None else body).encode()
    url = os.environ["PREFECT_API_URL"] + path
    request = Request(url, data=data, headers={"Content-Type": "application/json"}, method=method)
    end = time.monotonic() + 60
    while True:
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
                return json.loads(answer.read() or "null")
        except HTTPError as error:
            # Its database is locked for a moment; Prefect's own client asks again too.
            if error.code != 503 or time.monotonic() > end:
                raise
            time.sleep(0.2)


@contextmanager
def deployments_removed() -> Iterator[None]:
    """Deployments and automations that are made in the block are gone after it: the server is that of other tests."""
    kinds = ("deployments", "automations")
    before = {each["id"] for kind in kinds for each in ask(f"/{kind}/filter")}
    try:
        yield
    finally:
        for kind in kinds:
            for each in ask(f"/{kind}/filter"):
                if each["id"] not in before:
                    ask(f"/{kind}/{each['id']}", method="DELETE")


def runs_of(flow: str, **filters: Any) -> list[dict[str, Any]]:
    """The runs of a flow, the oldest first."""
    body = {"flows": {"name": {"any_": [flow]}}, "flow_runs": filters, "sort": "EXPECTED_START_TIME_ASC"}
    return list(ask("/flow_runs/filter", body))


def until(found: Callable[[], Any], seconds: float = 90) -> Any:
    """What `found` gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"nothing came in {seconds:.0f} s"
        time.sleep(0.2)
    return value


def ended(run: str, seconds: float = 90) -> dict[str, Any]:
    """A flow run once it is over."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = ask(f"/flow_runs/{run}", method="GET")
        return found if found["state"]["type"] in FINAL else None

    return dict(until(look, seconds))
