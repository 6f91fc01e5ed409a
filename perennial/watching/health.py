"""A health report: how well the champion did on one batch, and which episodes that opens or closes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from perennial.clock import instant
from perennial.errors import TransientError
from perennial.ledger.entries import (
    Alarm,
    BatchEntry,
    DailyValue,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Evidence,
    Health,
    LossWithInterval,
    Reading,
    Release,
    Severity,
)
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import first_live
from perennial.registered import CHANNELS
from perennial.watching.channels import load_channel
from perennial.watching.channels.business import lost_value
from perennial.watching.channels.channel import Channel, Finding, MeasuresDays, MovesFeatures, Watched
from perennial.watching.channels.finding import unknown
from perennial.watching.channels.level import LevelFinding
from perennial.watching.channels.skew import CHANNEL as SKEW
from perennial.watching.channels.unseen import UnseenFinding
from perennial.watching.episodes import (
    BACK_FOR,
    OpenEpisode,
    allowed,
    episode_changes,
    last_not_back,
    severity_so_far,
)
from perennial.watching.explained import is_of_former

log = logging.getLogger("perennial.watching")

INFORMING = ("features", "predictions", "estimated_loss", "calibration", "business", "age", "multivariate", SKEW.name)
"""Channels whose failure is a finding. The failure of any other channel, built in or custom, stops the cycle."""


def look(on: Watched) -> dict[str, Finding]:
    """The finding of each declared channel on a batch, and of `skew` if anything was served. Raises UnknownChannel.

    A built-in channel that only informs must not stop a cycle: if it fails, its finding is unknown, with the reason.
    """
    names = dict.fromkeys((*on.declaration.watch.channels, *([SKEW.name] if on.served is not None else [])))
    return {name: _looked(name, load_channel(name), on) for name in names}


def _looked(name: str, channel: Channel, on: Watched) -> Finding:
    if name not in CHANNELS.ours:
        on = on.in_memory
    if name not in INFORMING:
        return channel.look(on)
    try:
        return channel.look(on)
    except TransientError:
        raise
    except Exception as problem:
        log.warning("%s: channel %s failed", on.declaration.name, name, exc_info=problem)
        return unknown(f"The channel {name} failed on this batch: {type(problem).__name__}: {problem}")


def episode_rows(
    findings: Mapping[str, Finding],
    open_now: Sequence[OpenEpisode],
    batch: BatchEntry,
    past: Sequence[Health],
    *,
    release_no: int,
    since_release: int,
    value: DailyValue | None = None,
) -> list[EpisodeClosed | EpisodeRose | Episode]:
    """The ledger rows of the episodes that a batch closes, raises and opens; an episode's key allows one per moment.

    past: of finished cycles before the batch. since_release: the first release with the live champion.
    value: what the batch's predictions lose of the declared value.
    """
    at = batch.arrived_at
    # What was further back than that changes no episode, and a use case may have years of reports.
    recent = [each for each in past if instant(each.as_of) > instant(at) - BACK_FOR] if open_now else []
    due = episode_changes(
        open_now,
        findings,
        {name: severity_of(name, finding) for name, finding in findings.items()},
        at=instant(at),
        last_not_back=last_not_back(recent),
        release_no=release_no,
        since_release=since_release,
    )
    closed = [
        EpisodeClosed(episode=each.episode, closed_at=at, batch=batch.batch, detail=each.detail) for each in due.closes
    ]
    risen = [
        EpisodeRose(episode=each.episode, risen_at=at, batch=batch.batch, severity=each.severity, detail=each.detail)
        for each in due.raises
    ]
    opened = [
        Episode(
            episode=f"{each.channel}@{at}",
            channel=each.channel,
            opened_at=at,
            batch=batch.batch,
            release_no=release_no,
            detail=each.detail,
            severity=None if each.severity == severity_of(each.channel) else each.severity,
            evidence=_with_value(each.evidence, value),
        )
        for each in due.opens
    ]
    return [*closed, *risen, *opened]


def lost_value_of(on: Watched, findings: Mapping[str, Finding]) -> DailyValue | None:
    """What the batch's predictions lose of the declared value if a channel has an alarm; a value that fails is None."""
    if not any(each.alarm for each in findings.values()):
        return None
    try:
        return lost_value(on)
    except TransientError:
        raise
    except Exception as problem:
        log.warning("%s: the declared value could not be computed", on.declaration.name, exc_info=problem)
        return None


def _with_value(evidence: Evidence | None, value: DailyValue | None) -> Evidence | None:
    if value is None:
        return evidence
    return (evidence or Evidence(rows=value.rows, days=value.days)).model_copy(update={"value": value})


def severity_of(name: str, finding: Finding | None = None) -> Severity:
    """The severity of a channel's alarm: the finding's, else the channel's own. No longer installed: a warning."""
    if not CHANNELS.has(name):
        return "warning"
    channel = load_channel(name)
    return allowed((finding.severity if finding else None) or channel.severity, may_page=channel.may_page)


def open_episodes(ledger: Ledger, usecase: str) -> list[Episode]:
    """Episodes that are not closed yet, oldest first."""
    closed = {r.key for r in ledger.all(usecase, EpisodeClosed)}
    return [r.payload for r in ledger.all(usecase, Episode) if r.key not in closed]


def opened_since(ledger: Ledger, usecase: str, release_no: int, at: datetime) -> dict[str, datetime]:
    """Channel → since when it has an episode about a release from that number on; those opened before `at` count."""
    return {
        each.channel: instant(each.opened_at)
        for each in open_episodes(ledger, usecase)
        if each.release_no >= release_no and instant(each.opened_at) < at
    }


def open_with_severity(ledger: Ledger, usecase: str) -> list[OpenEpisode]:
    """The same, each with the highest severity that it has had."""
    rises = [row.payload for row in ledger.all(usecase, EpisodeRose)]
    return [
        OpenEpisode(each, severity_so_far(each, rises, severity_of(each.channel)))
        for each in open_episodes(ledger, usecase)
    ]


def open_of_champion(ledger: Ledger, usecase: str) -> list[OpenEpisode]:
    """The same, without those about a former champion, which the next cycle closes."""
    episodes = open_with_severity(ledger, usecase)
    first = first_live([row.payload for row in ledger.all(usecase, Release)]) if episodes else 0
    return [each for each in episodes if not is_of_former(each.episode.channel, each.episode.release_no, first)]


def unwatched(usecase: str, batch: BatchEntry) -> Health:
    """The report if no model is live yet, or the batch is held."""
    return Health(
        usecase=usecase,
        batch=batch.batch,
        as_of=batch.arrived_at,
        rows=batch.rows.accepted,
        labelled_rows=0,
        loss=None,
        unseen_share=None,
        alarms=(),
        action="none",
    )


def health(
    usecase: str,
    batch: BatchEntry,
    on: Watched,
    findings: Mapping[str, Finding],
    open_now: Sequence[OpenEpisode],
    *,
    retrain: bool,
) -> Health:
    """The report of a batch. retrain: whether an open episode requires a retraining."""
    return Health(
        usecase=usecase,
        batch=batch.batch,
        as_of=batch.arrived_at,
        rows=len(on.rows),
        labelled_rows=len(on.labelled),
        loss=_loss(findings),
        unseen_share=next((each.share for each in findings.values() if isinstance(each, UnseenFinding)), None),
        alarms=tuple(
            Alarm(channel=e.channel, severity=severity, detail=e.detail, episode=e.episode)
            for e, severity in ((each.episode, each.severity) for each in open_now)
        ),
        action="retrain" if retrain else "none",
        readings=tuple(
            Reading(
                channel=name,
                value=each.value,
                threshold=each.threshold,
                age_days=on.age_days,
                words=each.words,
                back=each.back,
                days=each.days if isinstance(each, MeasuresDays) else (),
                features=each.moves if isinstance(each, MovesFeatures) else (),
            )
            for name, each in findings.items()
        ),
    )


def _loss(findings: Mapping[str, Finding]) -> LossWithInterval | None:
    return next((each.loss for each in findings.values() if isinstance(each, LevelFinding)), None)
