"""A challenger trained without the newest days and evaluated on them: when, on which rows, and when it waits."""

from __future__ import annotations

from perennial.ledger.entries import Cycle
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import cycle
from tests.world import World

NEWEST = {"policy": "balanced", "judge": {"newest": "15d"}}


def test_x(world: World, flows: None) -> None:
    world.rows_a_day = 12
    world.declare(release=NEWEST)
    for month in ("2024-01", "2024-02", "2024-03"):
        world.month(month, flipped=month == "2024-03")
        done = cycle()
        assert isinstance(done, Cycle)
        print(done.decision, done.challenger, done.waits, done.not_trained)
    from perennial.ledger.entries import Decision, Release, Snapshot
    from perennial.deciding.replay import replay_deep, replay_sums
    ws = open_workspace(settings())
    for row in ws.ledger.all("shop", Snapshot):
        print(row.payload.first, row.payload.last, row.payload.until, row.payload.rows)
    for row in ws.ledger.all("shop", Decision):
        print(row.payload.outcome, row.payload.reasons, row.payload.evaluation.rows, row.payload.evaluation.first, row.payload.evaluation.last, row.payload.evaluation.labelled_share)
        print(replay_sums(ws.ledger, row))
        print(replay_deep(ws.ledger, ws.tables, ws.registry, row))
    assert 0
