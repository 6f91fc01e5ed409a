"""Too little is known to train on: a state that ends by itself, and the next batch is taken in."""

from __future__ import annotations

import pytest

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Snapshot
from tests.cli.conftest import Perennial, ledger_rows, payloads, write
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.usefixtures("at_once")]

ONE_CLASS = "all 300 labels are 1, and a binary model needs rows of both classes"


def test_labels_of_one_class_are_a_state_and_the_next_batch_ends_it(world: World, perennial: Perennial) -> None:
    world.rows_a_day = 10
    write(world, "2024-01", world.month("2024-01").assign(returned=1))
    ran = perennial("run", "shop")
    assert (ran.code, ran.err) == (0, "")
    assert ONE_CLASS in ran.out
    assert ONE_CLASS in " ".join(perennial("status", "shop").out.split())
    before = ledger_rows()
    asked = perennial("train", "shop")
    assert (asked.code, ledger_rows()) == (0, before), "the same state has the same code, and nothing was changed"
    assert f"{ONE_CLASS}." in asked.out
    assert payloads(ChallengerEntry) == payloads(Snapshot) == []

    world.month("2024-02")
    assert perennial("run", "shop").code == 0
    assert len(payloads(ChallengerEntry)) == 1
    assert len(payloads(Cycle)) == 2


def test_labels_known_later_than_a_batch_is_long_stop_no_batch(world: World, perennial: Perennial) -> None:
    world.rows_a_day = 10
    world.declare(schema={**world.declaration["schema"], "label_known_after": "45d"})
    for month in ("2024-01", "2024-02", "2024-03"):
        world.month(month)
    shown = perennial("backfill", "shop", "--last", "2024-02")
    assert shown.code == 0, shown.err
    assert "no challenger yet\n  no label is known before 2024-02-15" in shown.out
    assert perennial("run", "shop").code == 0
    assert len(payloads(BatchEntry)) == len(payloads(Cycle)) == 3
    assert len(payloads(ChallengerEntry)) == 2, "none in January"
