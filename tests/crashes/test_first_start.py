"""A home whose very first process is killed while MLflow makes its database can be used all the same."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from perennial.store.registry import Registry, registry
from tests.mlflow_once import made_anew

LONG = 120.0
STEPS = (1, 5, 20, 45)


def open_registry(folder: str, steps: int | None, there: Event | None) -> None:
    """Open the registry; after so many commits to the new database, wait to be killed."""
    if there is not None:
        from sqlalchemy import Engine, event

        done = 0

        def stop(_: object) -> None:
            nonlocal done
            done += 1
            if done == steps:
                there.set()
                signal.pause()

        event.listen(Engine, "commit", stop)
    registry._make_database = made_anew
    Registry(f"sqlite:///{folder}/mlflow.db", f"{folder}/artifacts").experiment("shop")


@pytest.mark.parametrize("steps", STEPS)
def test_a_kill_while_the_registry_is_made_does_no_harm(killable: None, tmp_path: Path, steps: int) -> None:
    context = multiprocessing.get_context("forkserver")
    there = context.Event()
    first = context.Process(target=open_registry, args=(str(tmp_path), steps, there), daemon=True)
    first.start()
    assert there.wait(LONG), "MLflow makes its database in fewer steps"
    first.kill()
    first.join(LONG)
    assert first.exitcode == -signal.SIGKILL
    second = context.Process(target=open_registry, args=(str(tmp_path), None, None), daemon=True)
    second.start()
    second.join(LONG)
    assert second.exitcode == 0
    names = [name for (name,) in sqlite3.connect(tmp_path / "mlflow.db").execute("SELECT name FROM experiments")]
    assert sorted(names) == ["Default", "shop"]
