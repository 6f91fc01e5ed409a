"""A shop whose features, estimator and metric are the team's own, live: its first model serves, the next one waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from perennial.clock import instant
from perennial.ledger.entries import ChallengerEntry
from tests.places import lead_to
from tests.training.stores import decide_at, take_in, train_at
from tests.world import World

FEATURES = "def half(rows):\n    return rows['price'] / 2\n"
MODEL = (
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.pipeline import make_pipeline\n"
    "from sklearn.compose import make_column_transformer\n"
    "\n\n"
    "def make(seed, C=1.0):\n"
    "    columns = make_column_transformer(('passthrough', ['price', 'half']))\n"
    "    return make_pipeline(columns, LogisticRegression(C=C, random_state=seed))\n"
)
METRIC = "def cost(labels, predictions):\n    return (labels - predictions) ** 2\n"


@dataclass(frozen=True)
class Live:
    """The shop after two batches: version 1 serves by `cost`, version 2 waits."""

    world: World
    as_of: datetime

    def write(self, file: str, text: str) -> None:
        """Edit a file of the team's."""
        (self.world.usecases / file).write_text(text)

    def train(self) -> ChallengerEntry:
        """Train on the rows that are there."""
        return train_at(self.as_of)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        shop = own_shop(folder / "usecases")
        shop.month("2024-01")
        train_at(instant(take_in("2024-01").arrived_at))
        shop.month("2024-02")
        as_of = instant(take_in("2024-02").arrived_at)
        decision = decide_at(as_of, "2024-02")
        assert decision.outcome == "first", decision.reasons
        from tasks.deciding import release

        release.fn("shop", decision.id)
        train_at(as_of)
        yield Live(shop, as_of)


def own_shop(usecases: Path) -> World:
    """The shop's declaration with the team's own files beside it."""
    shop = World(usecases, rows_a_day=12)
    shop.declaration["features"]["derived"] = ["features.py:half"]
    shop.declaration["model"] = {"estimator": "model.py:make", "params": {"C": 1.0}}
    shop.declaration["evaluation"] = {
        "primary": "cost",
        "metrics": {"cost": {"function": "metric.py:cost", "direction": "lower"}},
    }
    shop.declare()
    for file, text in (("features.py", FEATURES), ("model.py", MODEL), ("metric.py", METRIC)):
        (usecases / file).write_text(text)
    return shop
