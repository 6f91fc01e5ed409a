"""A shop whose customers change their mind, for what replays a use case's own history."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.places import lead_to
from tests.training.stores import take_in
from tests.world import World

IN_MONEY = {"primary": "log_loss", "metrics": {"worth": {"function": "shop.py:worth"}}}
"""An evaluation with a declared value: a unit for each order that is rightly expected back, less one for each wrong."""
WORTH = "def worth(labels, predictions):\n    return (predictions >= 0.5) * (2 * labels - 1.0)\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Eight months, accepted but without a model; the concept is reversed from May on. Models learn from one month."""
    folder = tmp_path_factory.mktemp("history")
    world = World(folder / "usecases", rows_a_day=10)
    world.declaration["model"]["window"] = {"batches": 1}
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        (folder / "usecases" / "shop.py").write_text(WORTH)
        world.declare()
        for number in range(1, 9):
            month = f"2024-0{number}"
            world.month(month, flipped=number >= 5)
            take_in(month)
        yield world
