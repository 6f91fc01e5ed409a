"""The page's part on watching: each channel's newest result and its course, and the episodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perennial.evaluation.figures import figure
from perennial.ledger.entries import Calibration, Cycle, Episode, Reading, Severity
from perennial.page.history import TABLED, History
from perennial.registered import CHANNELS
from perennial.watching.channels import load_channel
from perennial.watching.explained import explained
from perennial.watching.health import severity_of

MOVED = 10
"""How many features are drawn: those that moved most on the newest batch."""

State = Literal["no alarm", "unknown", "changed", "alarm"]


@dataclass(frozen=True)
class ChannelLine:
    """A channel's newest result. state: changed is an open episode that only informs. rate: of false alarms."""

    channel: str
    question: str
    state: State
    result: str
    rate: str


@dataclass(frozen=True)
class Point:
    """A statistic of `name` on a batch, and what it is compared with; None if there is no threshold."""

    name: str
    batch: str
    value: float
    threshold: float | None


@dataclass(frozen=True)
class EpisodeLine:
    """An episode. first, last: batches from its opening to its closing, or to the newest one.

    since: from when to when. explained: what it is about, what it costs, what followed, what a person can do.
    """

    channel: str
    severity: Severity
    first: str
    last: str
    closed: bool
    since: str
    explained: tuple[str, ...]


@dataclass(frozen=True)
class WatchingView:
    """What watching measured: one line per channel, the courses of channels and features, the newest episode first."""

    channels: tuple[ChannelLine, ...]
    courses: tuple[Point, ...]
    features: tuple[Point, ...]
    episodes: tuple[EpisodeLine, ...]

    @property
    def alarms(self) -> list[EpisodeLine]:
        """The episodes that did more than inform."""
        return [each for each in self.episodes if each.severity != "info"]


def watching_view(history: History) -> WatchingView:
    """Everything about watching, from the reports of finished cycles and the rows of episodes."""
    window = {batch.batch: batch.window for batch in history.batches}
    return WatchingView(
        channels=tuple(_lines(history)),
        courses=tuple(
            Point(reading.channel, window[cycle.batch], reading.value, reading.threshold)
            for cycle in history.cycles[-TABLED:]
            for reading in cycle.health.readings
            if reading.value is not None
        ),
        features=tuple(_features(history.cycles[-TABLED:], window)),
        episodes=tuple(_episode(each, history, window) for each in reversed(history.episodes)),
    )


def _lines(history: History) -> list[ChannelLine]:
    newest = {reading.channel: reading for cycle in history.cycles for reading in cycle.health.readings}
    watched = {reading.channel for reading in history.cycles[-1].health.readings} if history.cycles else set()
    alarming = {episode.channel for episode in history.open_alarms}
    informing = {episode.channel for episode in history.open_of_champion} - alarming
    return [
        ChannelLine(
            channel=name,
            question=load_channel(name).question if CHANNELS.has(name) else "a channel that is no longer installed",
            state=_state(reading, name in alarming, name in informing),
            result=reading.words,
            rate=_rate(name, history.calibrations),
        )
        for name, reading in newest.items()
        if name in watched
    ]


def _state(reading: Reading, alarms: bool, informs: bool) -> State:
    if alarms:
        return "alarm"
    if informs:
        return "changed"
    return "unknown" if reading.value is None else "no alarm"


def _rate(channel: str, calibrations: Sequence[Calibration]) -> str:
    rates = {each.channel: each for each in calibrations[-1].rates} if calibrations else {}
    known = rates.get(channel)
    if known is None:
        return "not calibrated"
    if known.rate is None or known.low is None or known.high is None:
        return f"unknown: {known.why}"
    return (
        f"{figure(known.rate, 2)} false alarms a year ({figure(known.low, 2)} to {figure(known.high, 2)}, on "
        f"{figure(known.years, 2)} resampled years)"
    )


def _features(cycles: Sequence[Cycle], window: dict[str, str]) -> list[Point]:
    """The course of the features that moved most on the newest batch that has any."""
    moved = [(window[c.batch], r.features) for c in cycles for r in c.health.readings if r.features]
    if not moved:
        return []
    names = [each.name for each in moved[-1][1]][:MOVED]
    return [
        Point(each.name, batch, each.psi, each.threshold)
        for name in names
        for batch, features in moved
        for each in features
        if each.name == name
    ]


def _episode(episode: Episode, history: History, window: dict[str, str]) -> EpisodeLine:
    closed = next((each for each in history.closed if each.episode == episode.episode), None)
    last = closed.batch if closed else history.batches[-1].batch
    words = explained(
        episode,
        of_channel=severity_of(episode.channel),
        rises=history.rises,
        closed=closed,
        challengers=history.challengers,
        decisions=history.decisions,
        releases=history.releases,
        batches=history.batches,
    )
    return EpisodeLine(
        channel=episode.channel,
        severity=words.severity,
        first=window.get(episode.batch, episode.batch),
        last=window.get(last, last),
        closed=closed is not None,
        since=words.lines[0],
        explained=words.lines[1:],
    )
