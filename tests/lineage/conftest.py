"""One shop whose rows are scored by a mixture: four cycles, a row set aside, answers of a service in a stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.ledger.entries import Cycle
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.places import lead_to
from tests.training.stores import cycle
from tests.world import World

MONTHS = ("2024-01", "2024-02", "2024-03", "2024-04")


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its home and use cases."""
    folder: Path = tmp_path_factory.mktemp("lineage")
    world = World(folder / "usecases", rows_a_day=10)
    world.declare(
        release={"policy": "newest_unless_worse", "serve": "mixture"}, evaluation={"primary": "log_loss", "also": []}
    )
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        for month in MONTHS:
            rows = world.month(month)
            if month == "2024-04":
                rows.loc[0, "price"] = 999.0
                rows.to_csv(world.usecases / "shop" / f"{month}.csv", index=False)
            assert isinstance(cycle(), Cycle)
    return folder


@pytest.fixture
def shop(lived: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The shop, which no test changes."""
    lead_to(monkeypatch, lived)
    monkeypatch.delenv("PERENNIAL_OPENLINEAGE", raising=False)
    return open_workspace(settings())
