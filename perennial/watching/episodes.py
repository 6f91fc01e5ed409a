"""Episodes: an alarm is reported once, once more if it becomes severe, and once when it is over.

An episode lasts at least two weeks and ends only when its channel has been back to normal for a week, so that a
statistic that wavers around its threshold does not report an alarm again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.clock import instant
from perennial.ledger.entries import Episode, EpisodeRose, Evidence, Health, Severity
from perennial.watching.channels.channel import Finding, GivesEvidence

AT_LEAST, BACK_FOR = timedelta(days=14), timedelta(days=7)
"""In time, not in batches: a stream may have batches of an hour, or a gap of 300 days."""
_RANK: dict[Severity, int] = {"info": 0, "warning": 1, "page": 2}


@dataclass(frozen=True)
class OpenEpisode:
    """An episode that is not closed. severity: the highest it has had so far."""

    episode: Episode
    severity: Severity


@dataclass(frozen=True)
class ToOpen:
    """An episode to open."""

    channel: str
    detail: str
    severity: Severity
    evidence: Evidence | None = None


@dataclass(frozen=True)
class ToRaise:
    """An episode that became more severe, by its id."""

    episode: str
    severity: Severity
    detail: str


@dataclass(frozen=True)
class ToClose:
    """An episode to close, by its id."""

    episode: str
    detail: str


@dataclass(frozen=True)
class EpisodeChanges:
    """The episodes that a batch opens, raises and closes."""

    opens: tuple[ToOpen, ...] = ()
    raises: tuple[ToRaise, ...] = ()
    closes: tuple[ToClose, ...] = ()


def episode_changes(
    open_now: Sequence[OpenEpisode],
    findings: Mapping[str, Finding],
    severities: Mapping[str, Severity],
    *,
    at: datetime,
    last_not_back: Mapping[str, datetime],
    release_no: int,
    since_release: int | None = None,
) -> EpisodeChanges:
    """The episodes that a batch opens, raises and closes.

    open_now: those not closed yet. findings, severities: of the batch, by channel. at: the batch's arrival.
    last_not_back: channel → the newest earlier batch on which it was not back to normal. release_no: the live release;
    since_release: the first one with the same champion, if an earlier one.
    An alarm opens an episode unless its channel has one for this champion, which it may raise. An episode ends when it
    is `AT_LEAST` old and its channel has been back to normal for `BACK_FOR`, or when another champion is live. A
    channel without a result changes nothing.
    """
    first = release_no if since_release is None else since_release
    mine = {each.episode.channel: each for each in open_now if each.episode.release_no >= first}
    replaced = tuple(
        ToClose(each.episode.episode, f"Release {each.episode.release_no} is no longer live; release {release_no} is.")
        for each in open_now
        if each.episode.release_no < first
    )
    over = tuple(
        ToClose(each.episode.episode, findings[channel].words)
        for channel, each in mine.items()
        if channel in findings and findings[channel].back and _is_over(each, at, last_not_back.get(channel))
    )
    alarms = {channel: finding for channel, finding in findings.items() if finding.alarm}
    opens = tuple(
        ToOpen(channel, finding.words, severities[channel], _evidence(finding))
        for channel, finding in alarms.items()
        if channel not in mine
    )
    raises = tuple(
        ToRaise(mine[channel].episode.episode, severities[channel], finding.words)
        for channel, finding in alarms.items()
        if channel in mine and _RANK[severities[channel]] > _RANK[mine[channel].severity]
    )
    return EpisodeChanges(opens, raises, (*replaced, *over))


def _is_over(open_episode: OpenEpisode, at: datetime, not_back: datetime | None) -> bool:
    opened = instant(open_episode.episode.opened_at)
    return at - opened >= AT_LEAST and at - max(not_back or opened, opened) >= BACK_FOR


def _evidence(finding: Finding) -> Evidence | None:
    return finding.evidence if isinstance(finding, GivesEvidence) else None


def severity_so_far(episode: Episode, rises: Iterable[EpisodeRose], of_channel: Severity) -> Severity:
    """The highest severity of an episode. rises: of any episode. of_channel: its channel's own."""
    risen = [rise.severity for rise in rises if rise.episode == episode.episode]
    return max([episode.severity or of_channel, *risen], key=_RANK.__getitem__)


def allowed(severity: Severity, *, may_page: bool) -> Severity:
    """The severity of an alarm: a channel that may not page warns instead."""
    return "warning" if severity == "page" and not may_page else severity


def last_not_back(past: Sequence[Health]) -> dict[str, datetime]:
    """Channel → the arrival of the newest batch on which it was not back to normal.

    past: of finished cycles, in order. In rows of earlier versions a value up to the threshold counts as back.
    """
    newest: dict[str, datetime] = {}
    for health in past:
        for reading in health.readings:
            within = reading.value is not None and reading.threshold is not None and reading.value <= reading.threshold
            if not (within if reading.back is None else reading.back):
                newest[reading.channel] = instant(health.as_of)
    return newest
