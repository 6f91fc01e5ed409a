"""What the demo prints: it fits 80 columns, and mentions a rollback when it runs again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from perennial.cli import demo
from perennial.ledger.entries import Release
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.world import World


@contextmanager
def _running(**_: bool) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(ui="http://127.0.0.1:42001")


def test_a_second_demo_fits_80_columns_and_mentions_a_rollback(
    settled: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(settled.usecases.parent)
    monkeypatch.setattr(demo, "USECASE", "shop")
    monkeypatch.setattr(demo, "flows_ready", _running)
    monkeypatch.setattr(demo, "_ask_the_service", lambda _: None)
    monkeypatch.setattr("flows.backfill.backfill", lambda _: None)
    demo.replay()
    shown = capsys.readouterr().out
    assert "2024-01 " in shown and "2024-02 " in shown and "rollback" not in shown
    assert f"{settings().home.parent}" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    ledger = open_workspace(settings()).ledger
    (first,) = [row.payload for row in ledger.all("shop", Release)]
    ledger.append("shop", first.model_copy(update={"release_no": 2, "kind": "release"}))
    ledger.append("shop", first.model_copy(update={"release_no": 3, "kind": "rollback", "restores": 1}))
    demo.replay()
    shown = capsys.readouterr().out
    assert "Version 1 is live again after a rollback (release 3)." in shown.splitlines()
    assert max(map(len, shown.splitlines())) <= 80
