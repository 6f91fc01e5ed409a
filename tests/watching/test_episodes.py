"""Episodes: one alarm a trouble, not one a batch."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.ledger.entries import Episode
from perennial.watching.episodes import ToClose, ToOpen, episode_changes


@dataclass(frozen=True)
class Found:
    alarm: bool
    back: bool
    words: str
    value: float | None = None
    threshold: float | None = None
    severity: None = None


ALARM = Found(True, False, "much worse")
BACK = Found(False, True, "as it was")
BETWEEN = Found(False, False, "unknown")


def episode(channel: str, release_no: int = 2) -> Episode:
    return Episode(
        episode=f"{channel}@2013-03-01T00:00:00Z/{release_no}",
        channel=channel,
        opened_at="2013-03-01T00:00:00Z",
        batch="2013-02/0",
        release_no=release_no,
        detail="much worse",
    )


def test_an_alarm_opens_an_episode() -> None:
    changes = episode_changes([], {"level": ALARM, "unseen": BACK}, release_no=2)
    assert changes.opens == (ToOpen("level", "much worse"),)
    assert changes.closes == ()


def test_an_alarm_that_lasts_is_not_reported_again() -> None:
    changes = episode_changes([episode("level")], {"level": ALARM}, release_no=2)
    assert (changes.opens, changes.closes) == ((), ())


def test_each_channel_has_its_own() -> None:
    changes = episode_changes([episode("level")], {"level": ALARM, "unseen": ALARM}, release_no=2)
    assert changes.opens == (ToOpen("unseen", "much worse"),)


def test_an_episode_ends_when_its_channel_is_back() -> None:
    changes = episode_changes([episode("level"), episode("unseen")], {"level": BACK, "unseen": ALARM}, release_no=2)
    assert changes.closes == (ToClose(episode("level").episode, "as it was"),)
    assert changes.opens == ()


def test_not_knowing_ends_nothing() -> None:
    assert episode_changes([episode("level")], {"level": BETWEEN}, release_no=2).closes == ()
    assert episode_changes([episode("level")], {}, release_no=2).closes == ()


def test_a_new_release_closes_the_episodes_of_the_old_one_and_may_go_bad_itself() -> None:
    changes = episode_changes([episode("level", 2)], {"level": ALARM}, release_no=3)
    assert changes.closes == (ToClose(episode("level", 2).episode, "Release 2 is no longer live; release 3 is."),)
    assert changes.opens == (ToOpen("level", "much worse"),)
