"""How often a cycle asks the ledger: as often with many batches behind it as with few."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from perennial.ledger.entries import Cycle, Decision
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import cycle
from tests.world import World

pytestmark = pytest.mark.slow
MONTHS = [f"2024-{month:02}" for month in range(1, 9)]


def test_a_cycle_asks_the_ledger_no_more_often_than_one_with_fewer_batches_before_it(world: World) -> None:
    ledger, asked = open_workspace(settings()).ledger, [0]

    def count(*_: object) -> None:
        asked[0] += 1

    of_outcome: dict[str, list[int]] = {}
    event.listen(ledger._engine, "before_cursor_execute", count)
    try:
        for month in MONTHS:
            world.month(month)
            asked[0] = 0
            assert isinstance(cycle(), Cycle)
            questions, decisions = asked[0], ledger.all("shop", Decision)
            if len(decisions) > 2:  # the first ones have no champion, or nothing to be compared with
                of_outcome.setdefault(decisions[-1].payload.outcome, []).append(questions)
    finally:
        event.remove(ledger._engine, "before_cursor_execute", count)
    several = [counts for counts in of_outcome.values() if len(counts) > 2]
    assert several, of_outcome
    assert all(max(counts) <= counts[0] for counts in several), of_outcome
