"""Months that went bad, with training on new batches switched off: each starts exactly one retraining."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Episode, EpisodeClosed, Release
from tests.flows.conftest import Lived, living_in
from tests.world import World

ONLY_DRIFT = {"on_new_batch": False, "on_drift": True}

pytestmark = pytest.mark.slow


def months(shop: World, odd: dict[str, dict[str, Any]], until: int = 6) -> None:
    for number in range(1, until + 1):
        name = f"2023-{number:02d}"
        shop.month(name, **odd.get(name, {}))


def trained_in(home: Lived) -> dict[str, tuple[str, str | None]]:
    """Month to kind and event of what was trained at its end."""
    windows = {batch.batch: batch.window for batch in home.all(BatchEntry)}
    made = {c.challenger: c.trigger for c in home.all(ChallengerEntry)}
    cycles = [c for c in home.all(Cycle) if c.challenger]
    return {windows[c.batch]: (made[c.challenger].kind, made[c.challenger].event) for c in cycles}


@pytest.fixture(scope="module")
def flipped(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """From March on the concept is turned round; in April the new model wins; May is its first whole month."""
    from flows.backfill import backfill

    with living_in(folder := tmp_path_factory.mktemp("flipped")) as shop:
        odd = {name: {"flipped": True} for name in ("2023-03", "2023-04", "2023-05")}
        months(shop.declare(triggers=ONLY_DRIFT), odd, until=5)
        backfill("shop")
    return Lived(folder)


@pytest.fixture(scope="module")
def new_carrier(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """A carrier that comes in April, stays in May, is gone in June and comes again in July; nothing is released then.

    July is ingested and watched by hand, three times, on a server that knows no deployment.
    """
    import tasks.health
    from flows.backfill import backfill
    from flows.ingest import ingest
    from flows.watch import watch

    with living_in(folder := tmp_path_factory.mktemp("carrier")) as shop:
        odd = {name: {"new_carrier": 0.1} for name in ("2023-04", "2023-05", "2023-07")}
        months(shop.declare(triggers=ONLY_DRIFT), odd, until=7)
        backfill("shop", last="2023-03")
        shop.declare(release={"policy": "hold"})
        backfill("shop", last="2023-06")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tasks.health, "DEPLOYMENT", "train/nobody-deployed-it")
            ingest("shop")
            watch("shop", start_training=False)  # as if it had died before it could ask
            watch("shop")
            watch("shop")
    return Lived(folder)


def test_a_month_as_ever_opens_no_episode_and_trains_nothing(new_carrier: Lived, flipped: Lived) -> None:
    """The very March that starts a retraining where it is flipped."""
    cycle = new_carrier.all(Cycle)[2]
    assert (cycle.health.alarms, cycle.health.action, cycle.challenger) == ((), "none", None)
    assert cycle.health.loss is not None
    assert flipped.all(Cycle)[2].health.action == "retrain"


def test_a_flipped_concept_starts_one_retraining(flipped: Lived) -> None:
    (episode,) = flipped.all(Episode)
    assert episode.channel == "level"
    assert episode.opened_at == "2023-04-01T00:00:00Z"
    assert trained_in(flipped) == {"2023-01": ("first", None), "2023-03": ("drift", episode.episode)}
    assert len(flipped.all(ChallengerEntry)) == 2


def test_the_episode_of_a_replaced_champion_is_over(flipped: Lived) -> None:
    assert [release.serves[0].model.version for release in flipped.all(Release)] == [1, 2]
    (closed,) = flipped.all(EpisodeClosed)
    assert closed.episode == flipped.all(Episode)[0].episode
    assert closed.detail == "Release 1 is no longer live; release 2 is."


def test_each_cycle_reports_the_open_episode(flipped: Lived) -> None:
    told = [[alarm.channel for alarm in cycle.health.alarms] for cycle in flipped.all(Cycle)]
    assert told == [[], [], ["level"], ["level"], []]
    assert [cycle.health.action for cycle in flipped.all(Cycle)] == ["none", "none", "retrain", "none", "none"]


def test_a_new_carrier_starts_one_retraining_however_long_it_stays(new_carrier: Lived) -> None:
    episode = new_carrier.all(Episode)[0]
    assert episode.channel == "unseen"
    assert episode.opened_at == "2023-05-01T00:00:00Z"
    assert "carrier" in episode.detail
    assert trained_in(new_carrier) == {"2023-01": ("first", None), "2023-04": ("drift", episode.episode)}
    assert [made.trigger.event for made in new_carrier.all(ChallengerEntry)].count(episode.episode) == 1


def test_watching_where_nothing_is_deployed_trains_at_once_and_only_once(new_carrier: Lived) -> None:
    episodes = [episode.episode for episode in new_carrier.all(Episode)]
    assert episodes == ["unseen@2023-05-01T00:00:00Z", "unseen@2023-08-01T00:00:00Z"]
    because = [(made.trigger.kind, made.trigger.event) for made in new_carrier.all(ChallengerEntry)]
    assert because == [("first", None), *(("drift", episode) for episode in episodes)]


def test_the_episode_ends_when_the_carrier_is_gone(new_carrier: Lived) -> None:
    (closed,) = new_carrier.all(EpisodeClosed)
    assert closed.batch == new_carrier.all(BatchEntry)[5].batch
    assert closed.detail.startswith("0 of 600 rows")
    assert len(new_carrier.all(Release)) == 1
