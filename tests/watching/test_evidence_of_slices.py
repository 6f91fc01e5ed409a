"""The evidence of an alarm with several slices: each value is one of its column, in memory and on disk."""

from __future__ import annotations

import pytest

from perennial.ledger.entries import Cycle, Episode
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import cycle
from tests.world import World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("slices", "rows_in_memory"), [(["carrier", "size"], "2000000"), (["size", "carrier"], "1")])
def test_the_worst_slice_of_a_champion_that_went_bad_is_a_value_of_its_column(
    world: World, slices: list[str], rows_in_memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", rows_in_memory)
    world.declare(
        features={"numeric": ["price", "weight"], "categorical": ["carrier", "size"]},
        watch={"channels": ["gap", "level"]},
        triggers={"on_new_batch": False, "on_drift": False},
        evaluation={"primary": "log_loss", "slices": slices},
    )
    values: dict[str, set[str]] = {}
    for number in range(1, 6):
        month = f"2024-{number:02d}"
        rows = world.month(month, flipped=number >= 4)
        rows["size"] = (rows["price"] > 100).map({True: "large", False: "small"})
        rows.to_csv(world.usecases / "shop" / f"{month}.csv", index=False)
        values = {name: set(rows[name]) for name in slices}
        assert isinstance(cycle(), Cycle)
    episodes = [row.payload for row in open_workspace(settings()).ledger.all("shop", Episode)]
    assert {each.channel for each in episodes} == {"gap", "level"}
    for each in episodes:
        assert each.evidence is not None and each.evidence.slice is not None
        assert each.evidence.slice.value in values[each.evidence.slice.column], each.channel
