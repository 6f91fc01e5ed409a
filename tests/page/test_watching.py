"""What the page shows about watching: channels, their courses, and episodes."""

from __future__ import annotations

from typing import Any

from perennial.ledger.entries import (
    Calibration,
    Cycle,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Evidence,
    FeatureMove,
    Health,
    Reading,
)
from perennial.ledger.entries.watching import ChannelRate, SliceShare
from perennial.page.render import render
from perennial.page.view import view_of
from perennial.page.watching import watching_view
from tests.ledger.payloads import batch
from tests.page.test_view import history

JANUARY, FEBRUARY = batch("2024-01"), batch("2024-02")


def reading(channel: str, value: float | None, **more: Any) -> Reading:
    stated: dict[str, Any] = {"threshold": 0.5, "age_days": 3.0, "words": f"{channel} is {value}", **more}
    return Reading(channel=channel, value=value, **stated)


def cycle(of: str, *readings: Reading) -> Cycle:
    values: dict[str, Any] = {"loss": None, "labelled_rows": 0, "readings": readings, "alarms": ()}
    health = Health.model_construct(**values)
    stated: dict[str, Any] = {"batch": of, "waits": "", "not_trained": "", "health": health}
    return Cycle.model_construct(**stated)


def opened(channel: str, at: str = "2024-02-01T00:00:00Z", **more: Any) -> Episode:
    key = f"{channel}@{at}"
    return Episode(
        episode=key, channel=channel, opened_at=at, batch=FEBRUARY.batch, release_no=1, detail="it rose", **more
    )


def watched(*cycles: Cycle, **rows: Any) -> Any:
    return history(batches=[JANUARY, FEBRUARY], cycles=cycles, **rows)


def test_each_channel_shows_its_newest_result_and_whether_it_is_known() -> None:
    seen = watched(
        cycle(JANUARY.batch, reading("level", 0.1), reading("age", 30.0, threshold=None)),
        cycle(FEBRUARY.batch, reading("level", 0.6), reading("gap", None)),
        episodes=[opened("level")],
    )
    view = watching_view(seen)
    assert [(line.channel, line.state) for line in view.channels] == [("level", "alarm"), ("gap", "unknown")], (
        "a channel that is no longer declared is not shown as current"
    )
    assert view.channels[0].result == "level is 0.6" and view.channels[0].question
    assert [(p.name, p.batch, p.value) for p in view.courses] == [
        ("level", "2024-01", 0.1),
        ("age", "2024-01", 30.0),
        ("level", "2024-02", 0.6),
    ]
    page = render(view_of(seen), {})
    assert "level is 0.6" in page and "gap is None" in page and page.count("<svg") >= 2


def test_a_rate_of_false_alarms_is_shown_with_its_interval_or_as_unknown() -> None:
    known = ChannelRate(channel="level", threshold=None, rate=0.4, low=0.1, high=0.9, years=40.0)
    short = ChannelRate(channel="gap", threshold=None, rate=None, low=None, high=None, years=0.0, why="needs 56 days")
    rows: dict[str, Any] = {"release_no": 1, "as_of": "2024-02-01T00:00:00Z", "days": 90, "block": 7}
    measured = Calibration(**rows, page_per_year=1.0, rates=(known, short))
    readings = (reading("level", 0.1), reading("gap", 0.1), reading("unseen", 0.0))
    view = watching_view(watched(cycle(FEBRUARY.batch, *readings), calibrations=[measured]))
    rates = {line.channel: line.rate for line in view.channels}
    assert "0.40" in rates["level"] and "0.10" in rates["level"] and "40" in rates["level"]
    assert (rates["gap"], rates["unseen"]) == ("unknown: needs 56 days", "not calibrated")


def test_an_episode_shows_since_when_how_severe_what_it_costs_and_where() -> None:
    part = SliceShare(column="carrier", value="<b>UA</b>", rows=40, share=0.4, mean_excess=0.2, contribution=0.08)
    evidence = Evidence(rows=100, days=10, loss="log_loss", cost_per_day=1.5, slice=part)
    level, unseen = opened("level", evidence=evidence), opened("unseen", "2024-01-01T00:00:00Z")
    at = "2024-02-01T00:00:00Z"
    rose = EpisodeRose(episode=level.episode, risen_at=at, batch=FEBRUARY.batch, severity="page", detail="worse")
    over = EpisodeClosed(episode=unseen.episode, closed_at=at, batch=FEBRUARY.batch, detail="gone")
    seen = watched(cycle(FEBRUARY.batch, reading("level", 0.6)), episodes=[unseen, level], rises=[rose], closed=[over])
    newest, older = watching_view(seen).episodes
    assert (newest.channel, newest.severity, newest.closed) == ("level", "page", False)
    assert newest.since == "level (page), open since 2024-02-01."
    assert (older.channel, older.closed, older.last) == ("unseen", True, "2024-02")
    assert "It costs 1.50 log_loss per day (no 95 % interval, 100 rows of 10 days)." in newest.explained
    assert any("contributes most" in line and "40 rows of 10 days" in line for line in newest.explained)
    assert any(line.startswith("You can ") for line in newest.explained)
    page = render(view_of(seen), {})
    assert "&lt;b&gt;UA" in page and "<b>UA" not in page


def test_only_the_features_that_moved_most_on_the_newest_batch_are_drawn() -> None:
    def moves(*names: str) -> tuple[FeatureMove, ...]:
        return tuple(FeatureMove(name=name, psi=0.2, threshold=0.1, mix=None, concept=None) for name in names)

    many = [f"f{number}" for number in range(12)]
    view = watching_view(
        watched(
            cycle(JANUARY.batch, reading("features", 0.2, features=moves("old", "f1"))),
            cycle(FEBRUARY.batch, reading("features", 0.2, features=moves(*many))),
        )
    )
    assert {point.name for point in view.features} == set(many[:10])
    assert [point.batch for point in view.features if point.name == "f1"] == ["2024-01", "2024-02"]


def test_before_the_first_model_the_page_shows_when_watching_starts() -> None:
    page = render(view_of(history()), {})
    assert "Nothing was watched yet: watching starts with the first live model." in page
