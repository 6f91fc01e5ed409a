"""A held batch opens one episode that pages, however often it is looked at; the next good batch ends it."""

from __future__ import annotations

from perennial.clock import instant
from perennial.ledger.entries import ChallengerEntry, Episode, EpisodeClosed
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.declaration import Triggers
from perennial.watching.wanting import wants_retraining
from tasks.contract import watch_contract
from tests.training.stores import cycle
from tests.world import World


def test_a_held_batch_opens_one_episode_that_pages_and_good_batches_end_it(world: World) -> None:
    world.declare(watch={"channels": ["level", "contract"]})
    for month in ("2024-01", "2024-02"):
        world.month(month)
        cycle()
    rows = world.month("2024-03")
    file = world.usecases / "shop" / "2024-03.csv"
    rows.drop(columns="price").to_csv(file, index=False)
    cycle()
    for _ in range(3):
        watch_contract.fn("shop")
    ledger = open_workspace(settings()).ledger
    (episode,) = [row.payload for row in ledger.all("shop", Episode)]
    assert (episode.channel, episode.severity) == ("contract", "page")
    assert episode.detail.startswith("The batch 2024-03 was held (")
    assert "price" in episode.detail
    newest = max(instant(row.payload.as_of) for row in ledger.all("shop", ChallengerEntry))
    assert newest < instant(episode.opened_at) and wants_retraining(ledger, "shop", Triggers()) is None
    file.unlink()
    for month in ("2024-04", "2024-05"):
        world.month(month)
        cycle()
        watch_contract.fn("shop")
    assert [row.payload.episode for row in ledger.all("shop", EpisodeClosed)] == [episode.episode]
    assert len(ledger.all("shop", Episode)) == 1


def test_nothing_is_opened_if_the_channel_is_not_declared_or_batches_are_good(world: World) -> None:
    for channels in (["level"], ["level", "contract"]):
        world.declare(watch={"channels": channels})
        world.month(f"2024-0{len(channels)}")
        cycle()
        watch_contract.fn("shop")
    assert open_workspace(settings()).ledger.all("shop", Episode) == ()
