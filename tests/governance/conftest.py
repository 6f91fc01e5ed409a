"""One shop with a mixture live, whose governance is stated in part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perennial.ledger.entries import Cycle
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.places import lead_to
from tests.training.stores import cycle
from tests.world import World

RISKS: list[dict[str, Any]] = [
    {
        "risk": "bike orders are refused <b>wrongly</b>",
        "likelihood": "low",
        "impact": "high",
        "measure": "a person reads them",
        "owner": "returns desk",
        "measured_by": {"slice": "carrier"},
    },
    {"risk": "ranks get worse", "likelihood": "low", "impact": "low", "measured_by": {"guard": "roc_auc"}},
    {"risk": "prices drift", "likelihood": "low", "impact": "low", "measured_by": {"channel": "level"}},
    {"risk": "wrong prices", "likelihood": "low", "impact": "low", "measured_by": {"check": "price"}},
    {"risk": "badly calibrated", "likelihood": "low", "impact": "low", "measured_by": {"metric": "brier"}},
    {"risk": "orders by bike", "likelihood": "low", "impact": "low", "measured_by": {"group": "carrier"}},
    {"risk": "nobody knows", "likelihood": "low", "impact": "low"},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Four cycles: the newest model is live in a mixture, and one batch has a row that was set aside."""
    folder: Path = tmp_path_factory.mktemp("governed")
    world = World(folder / "usecases", rows_a_day=20)
    world.declare(
        description="Will an order be returned?",
        release={"policy": "newest_unless_worse", "serve": "mixture"},
        evaluation={
            "primary": "log_loss",
            "also": ["brier"],
            "guards": {"roc_auc": {"margin": 0.2}},
            "slices": ["carrier"],
        },
        governance={
            "purpose": "To choose orders that a person looks at.",
            "license": "MIT",
            "risk_items": RISKS,
            "protected": ["carrier"],
            "selected": {"below": 0.5},
            "population": {"carrier": {"post": "50%", "van": "30%", "bike": "20%"}},
            "bias": {"gate": False},
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
            rows = world.month(month)
            if month == "2024-04":
                rows.loc[0, "price"] = 999.0
                rows.to_csv(world.usecases / "shop" / f"{month}.csv", index=False)
            assert isinstance(cycle(), Cycle)
        yield open_workspace(settings())
