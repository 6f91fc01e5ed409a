"""A release that cannot be loaded, for whatever reason, leaves the former one serving and shows why."""

from __future__ import annotations

import pytest

from perennial.serving import following
from perennial.serving.following import Follower
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import cycle
from tests.world import World


def _fails(*_: object) -> None:
    raise KeyError("nothing")


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
