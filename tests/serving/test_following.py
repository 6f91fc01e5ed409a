"""A release that cannot be loaded, for whatever reason, leaves the former one serving and shows why."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.release.rollback import roll_back
from perennial.serving import following
from perennial.serving.following import Follower
from perennial.settings import settings
from perennial.store.workspace import open_workspace, reading_workspace
from tests.serving.running_service import Place
from tests.training.stores import cycle
from tests.world import World


def _fails(*_: object) -> None:
    raise KeyError("nothing")


def test_without_a_live_model_the_log_names_no_release(world: World, caplog: pytest.LogCaptureFixture) -> None:
    Follower(open_workspace(settings()), lambda: ("shop",), settings().serving).look()
    assert [record.getMessage() for record in caplog.records] == ["shop: no model is live yet"]


def test_an_unexpected_failure_is_shown_and_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for month in ("2024-01", "2024-02"):
        world.month(month)
        cycle()
    follower = Follower(open_workspace(settings()), lambda: ("shop",), settings().serving)
    with monkeypatch.context() as broken:
        broken.setattr(following, "open_live", _fails)
        follower.look()
    (state,) = follower.states
    assert (state.serving, state.wanted, state.wrong) == (None, 1, "KeyError: 'nothing'")
    assert not state.is_ready
    follower.look()
    (state,) = follower.states
    assert (state.serving, state.wrong) == (1, "")
    with monkeypatch.context() as unread:
        unread.setattr(following, "wanted_release", _fails)
        follower.look()
    (state,) = follower.states
    assert state.wrong == "", "a chain that has not grown is not read again"


@pytest.mark.parametrize("gone", ["ledger", "registry"])
def test_while_the_ledger_or_the_registry_is_down_the_loaded_release_goes_on(
    shop_copy: Place, tmp_path: Path, gone: str
) -> None:
    where = settings(shop_copy.environment())
    follower = Follower(reading_workspace(where), lambda: ("shop",), tmp_path / "artefacts")
    follower.look()
    loaded = follower.live("shop")
    assert loaded is not None
    if gone == "registry":
        # Another release becomes live, of which no artefact is kept.
        roll_back(open_workspace(where).ledger, "shop", datetime.now(UTC), "it went bad")
    path = where.home / {"ledger": "ledger.db", "registry": "mlflow/mlflow.db"}[gone]
    whole = path.read_bytes()
    path.write_bytes(b"no database " * 1000)
    follower.look()
    (state,) = follower.states
    assert state.serving == loaded.release.release_no and follower.live("shop") is loaded
    assert state.wrong and state.is_ready

    path.write_bytes(whole)
    follower.look()
    (state,) = follower.states
    assert (state.serving, state.wrong) == (state.wanted, "")
