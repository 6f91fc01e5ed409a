"""A champion that nobody retrains, month by month, from its warm-up to the episode that explains itself."""

from __future__ import annotations

import pytest

from perennial.ledger.entries import BatchEntry, Calibration, Cycle, Episode
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.watching.explained import explained
from tests.training.stores import cycle
from tests.world import World

pytestmark = pytest.mark.slow


def test_a_frozen_champion_opens_one_gap_episode_that_names_its_slice(world: World) -> None:
    from tasks.health import watch_champion

    world.rows_a_day = 40
    world.declare(
        watch={"channels": ["gap", "level", "unseen"], "tolerance": 5.0},
        triggers={"on_new_batch": False, "on_drift": ["level"]},
        evaluation={"primary": "log_loss", "slices": ["carrier"]},
    )
    for number in range(1, 7):
        world.month(f"2024-{number:02d}", flipped=number >= 5)
    for _ in range(6):
        assert isinstance(cycle(), Cycle)
    ledger = open_workspace(settings()).ledger
    cycles = [row.payload for row in ledger.all("shop", Cycle)]
    gaps = [[r for r in each.health.readings if r.channel == "gap"] for each in cycles]
    assert gaps[:2] == [[], []], "no model is live in the first two months"
    assert sum(day.warm_up for day in gaps[2][0].days) == 28
    april, may = gaps[3][0], gaps[4][0]
    assert len(april.days) == 30 and april.value is not None and april.value < 365
    assert "On the newest 28 days a fresh model loses" in april.words and "labels of" in april.words

    (episode,) = [row.payload for row in ledger.all("shop", Episode)]
    assert (episode.channel, episode.batch) == ("gap", cycles[4].batch)
    assert may.words.startswith("A fresh model is proven better than the champion.")
    assert episode.evidence is not None and episode.evidence.slice is not None
    assert episode.evidence.slice.column == "carrier" and (episode.evidence.cost_per_day or 0) > 0
    lines = explained(episode, of_channel="warning").lines
    assert any("contributes most" in line for line in lines) and any("per day" in line for line in lines)
    assert all(each.health.action == "none" for each in cycles), "on_drift names level only"

    batch = next(row.payload for row in ledger.all("shop", BatchEntry) if row.payload.batch == cycles[5].batch)
    again = watch_champion.fn("shop", batch)
    assert again == watch_champion.fn("shop", batch) == cycles[5].health
    assert len(ledger.all("shop", Episode)) == 1
    (calibration,) = [row.payload for row in ledger.all("shop", Calibration)]
    assert calibration.rates[0].why.startswith("needs 56 labelled days")
