"""Episodes: one message when trouble begins, one when it becomes severe, one when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from perennial.clock import instant, write_instant
from perennial.ledger.entries import Episode, EpisodeRose, Health, Reading, Severity
from perennial.watching.episodes import (
    BACK_FOR,
    EpisodeChanges,
    OpenEpisode,
    ToClose,
    ToOpen,
    ToRaise,
    allowed,
    episode_changes,
    last_not_back,
    severity_so_far,
)


@dataclass(frozen=True)
class Found:
    alarm: bool
    back: bool
    words: str
    value: float | None = None
    threshold: float | None = None
    severity: Severity | None = None


ALARM = Found(True, False, "much worse")
BACK = Found(False, True, "as it was")
BETWEEN = Found(False, False, "unknown")
OPENED = instant("2013-03-01T00:00:00Z")
MONTH_LATER = OPENED + timedelta(days=31)


def episode(channel: str, release_no: int = 2) -> Episode:
    return Episode(
        episode=f"{channel}@2013-03-01T00:00:00Z/{release_no}",
        channel=channel,
        opened_at="2013-03-01T00:00:00Z",
        batch="2013-02/0",
        release_no=release_no,
        detail="much worse",
    )


def changes(
    open_now: list[Episode],
    findings: dict[str, Found],
    *,
    release_no: int = 2,
    at: datetime = MONTH_LATER,
    severity: Severity = "warning",
    **more: Any,
) -> EpisodeChanges:
    return episode_changes(
        [OpenEpisode(each, "warning") for each in open_now],
        findings,
        dict.fromkeys(findings, severity),
        at=at,
        last_not_back=more.pop("last_not_back", {}),
        release_no=release_no,
        **more,
    )


def test_an_alarm_opens_an_episode() -> None:
    due = changes([], {"level": ALARM, "unseen": BACK})
    assert due == EpisodeChanges(opens=(ToOpen("level", "much worse", "warning"),))


def test_an_alarm_that_lasts_is_not_reported_again() -> None:
    assert changes([episode("level")], {"level": ALARM}) == EpisodeChanges()


def test_each_channel_has_its_own() -> None:
    due = changes([episode("level")], {"level": ALARM, "unseen": ALARM})
    assert due == EpisodeChanges(opens=(ToOpen("unseen", "much worse", "warning"),))


def test_an_episode_ends_when_its_channel_is_back() -> None:
    due = changes([episode("level"), episode("unseen")], {"level": BACK, "unseen": ALARM})
    assert due == EpisodeChanges(closes=(ToClose(episode("level").episode, "as it was"),))


def test_not_knowing_ends_nothing() -> None:
    assert changes([episode("level")], {"level": BETWEEN}) == changes([episode("level")], {}) == EpisodeChanges()


@pytest.mark.parametrize(
    ("days", "days_back", "over"), [(13, 13, False), (14, 14, True), (30, 6.9, False), (30, 7, True), (300, 7, True)]
)
def test_it_lasts_two_weeks_and_ends_after_a_week_without_trouble(days: float, days_back: float, over: bool) -> None:
    at = OPENED + timedelta(days=days)
    due = changes([episode("level")], {"level": BACK}, at=at, last_not_back={"level": at - timedelta(days=days_back)})
    assert bool(due.closes) is over


def test_it_rises_once() -> None:
    due = changes([episode("level")], {"level": ALARM}, severity="page")
    assert due == EpisodeChanges(raises=(ToRaise(episode("level").episode, "page", "much worse"),))
    risen = OpenEpisode(episode("level"), "page")
    at = {"at": MONTH_LATER, "last_not_back": {}, "release_no": 2}
    for severity in ("page", "warning"):
        assert episode_changes([risen], {"level": ALARM}, {"level": severity}, **at) == EpisodeChanges()  # type: ignore[arg-type]


def test_a_new_champion_closes_the_episodes_of_the_old_one_and_may_go_bad_itself() -> None:
    due = changes([episode("level", 2)], {"level": ALARM}, release_no=3)
    assert due.closes == (ToClose(episode("level", 2).episode, "Release 2 is no longer live; release 3 is."),)
    assert due.opens == (ToOpen("level", "much worse", "warning"),)


def test_a_release_with_the_same_champion_keeps_the_episode() -> None:
    """A refit that joins the champion in a blend."""
    assert changes([episode("level", 2)], {"level": ALARM}, release_no=4, since_release=2) == EpisodeChanges()


def health(at: datetime, back: bool | None, value: float | None = None) -> Health:
    reading = Reading(channel="level", value=value, threshold=1.0, age_days=1, words="", back=back)
    stated: dict[str, Any] = {"as_of": write_instant(at), "readings": (reading,)}
    return Health.model_construct(**stated)


def test_a_thousand_repeats_of_a_year_of_days_change_nothing() -> None:
    """A year of daily batches, each watched again and again before the next: what is open follows from its readings."""
    opened: dict[str, Episode] = {}
    closed: list[str] = []
    past: list[Health] = []
    for day in range(365):
        at = OPENED + timedelta(days=day)
        finding = ALARM if 100 <= day < 130 or day in (135, 300) else BACK
        for _ in range(3):
            due = changes(list(opened.values()), {"level": finding}, at=at, last_not_back=last_not_back(past))
            recent = [each for each in past if instant(each.as_of) > at - BACK_FOR]
            assert due == changes(
                list(opened.values()), {"level": finding}, at=at, last_not_back=last_not_back(recent)
            ), "what was further back changes nothing"
            for each in due.opens:
                key = f"{each.channel}@{write_instant(at)}"
                opened[key] = episode("level").model_copy(update={"episode": key, "opened_at": write_instant(at)})
            for each_closed in due.closes:
                closed.append(each_closed.episode)
                del opened[each_closed.episode]
        past.append(health(at, finding.back))
    assert [instant(name.partition("@")[2]) for name in closed] == [OPENED + timedelta(days=d) for d in (100, 300)]
    assert opened == {}


def test_what_was_not_back_is_read_from_finished_cycles_also_of_earlier_versions() -> None:
    first, second, third = (OPENED + timedelta(days=days) for days in (1, 2, 3))
    assert last_not_back([health(first, False), health(second, True)]) == {"level": first}
    assert last_not_back([health(first, None, 2.0), health(second, None, None), health(third, None, 0.5)]) == {
        "level": second
    }


def test_the_severity_is_the_highest_so_far() -> None:
    rise = EpisodeRose(episode=episode("level").episode, risen_at="", batch="b", severity="page", detail="")
    other = rise.model_copy(update={"episode": "gap@1"})
    assert severity_so_far(episode("level"), [rise], "info") == "page"
    assert severity_so_far(episode("level"), [other], "info") == "info"


def test_a_channel_that_may_not_page_warns() -> None:
    assert allowed("page", may_page=False) == "warning"
    assert allowed("page", may_page=True) == "page"
