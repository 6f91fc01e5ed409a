"""Asking the train deployment for a retraining."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perennial.ledger.entries import Episode
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.world import World

OPENED = "2023-04-01T00:00:00Z"


class Server:
    """Keeps a run for each key, as Prefect does. `fails`: how many of the first runs fail."""

    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.runs: dict[str, Any] = {}

    def __call__(self, name: str, *, idempotency_key: str, **_: Any) -> Any:
        from prefect.states import Failed, Scheduled

        state: Any = Failed() if len(self.runs) < self.fails else Scheduled()
        made = SimpleNamespace(id=uuid.uuid4(), name="shop-drift", state=state)
        return self.runs.setdefault(idempotency_key, made)


@pytest.mark.parametrize("fails", [0, 1, 2])
def test_one_more_run_is_started_for_each_that_failed(
    world: World, home: Path, flows: None, monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    import tasks.health

    server = Server(fails)
    monkeypatch.setattr(tasks.health, "run_deployment", server)
    open_workspace(settings()).ledger.append(
        "shop",
        Episode(episode=f"level@{OPENED}", channel="level", opened_at=OPENED, batch="b", release_no=1, detail="bad"),
    )
    for _ in range(5):
        assert tasks.health.ask_for_retraining.fn("shop") is None
    assert len(server.runs) == 1 + fails
    assert next(iter(server.runs)) == f"drift:shop:level@{OPENED}"


def test_without_an_episode_nothing_is_asked(
    world: World, home: Path, flows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tasks.health

    server = Server(0)
    monkeypatch.setattr(tasks.health, "run_deployment", server)
    assert tasks.health.ask_for_retraining.fn("shop") is None
    assert server.runs == {}
