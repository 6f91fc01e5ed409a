"""The tasks that compare, release and watch: done twice is done once, and nothing is made up where nothing is known."""

from __future__ import annotations

import pytest

from perennial.clock import instant
from perennial.deciding.decision import Waits
from perennial.ledger.entries import BatchEntry, Decision, Episode, EpisodeClosed, Health, Release, Trigger
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.alerting.target import Target
from tests.training.stores import decide_at, take_in, train_at
from tests.world import World

PERSON = Trigger(kind="person")


def watch(batch: BatchEntry) -> Health:
    from tasks.health import watch_champion

    return watch_champion.fn("shop", batch)


def release(decision: Decision) -> int | None:
    from tasks.deciding import release

    return release.fn("shop", decision.id)


def watch_and_notify(batch: BatchEntry) -> Health:
    """A run of the flow `watch` without its server."""
    from tasks.alerts import respond, send_alerts

    health = watch(batch)
    respond.fn("shop")
    send_alerts.fn("shop")
    return health


def test_one_decision_one_release_one_episode_and_one_message_however_often_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.deciding import compare

    target = Target()
    target.up()
    monkeypatch.setenv("PERENNIAL_ALERTS", target.apprise)
    ledger = open_workspace(settings()).ledger
    world.rows_a_day = 30
    for month, how in (("2024-01", {}), ("2024-02", {}), ("2024-03", {"new_carrier": 0.3}), ("2024-04", {})):
        world.month(month, **how)
    january = take_in("2024-01")
    nothing = compare.fn("shop", "2024-01", instant(january.arrived_at), PERSON)
    assert nothing == Waits("there is no challenger")
    unwatched = watch(january)
    assert (unwatched.rows, unwatched.loss, unwatched.readings, unwatched.action) == (930, None, (), "none")
    train_at(instant(january.arrived_at))

    february = take_in("2024-02")
    decision = decide_at(instant(february.arrived_at), "2024-02")
    assert decision.policy.lower_bound is not None and decision.policy.lower_bound > 0
    assert decide_at(instant(february.arrived_at), "2024-02") == decision
    assert (release(decision), release(decision)) == (1, 1)
    assert len(ledger.all("shop", Decision)) == len(ledger.all("shop", Release)) == 1

    march = take_in("2024-03")
    health = watch(march)
    for _ in range(10):
        assert watch_and_notify(march) == health
    (episode,) = [row.payload for row in ledger.all("shop", Episode)]
    assert (episode.channel, episode.opened_at) == ("unseen", march.arrived_at)
    assert health.action == "retrain"
    unseen = next(reading for reading in health.readings if reading.channel == "unseen")
    assert unseen.value == health.unseen_share == pytest.approx(0.3, abs=0.05)
    assert unseen.threshold == 0.05 and unseen.age_days == pytest.approx(60, abs=1)

    april = take_in("2024-04")
    over = watch(april)
    assert watch(april) == over
    assert (over.alarms, over.action) == ((), "none")
    assert [row.key for row in ledger.all("shop", EpisodeClosed)] == [episode.episode]
    assert target.titles == ["[warning] shop: unseen episode opened"]
    target.down()
