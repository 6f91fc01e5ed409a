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
    ChallengerEntry,
    Cycle,
    Episode,
    EpisodeClosed,
    Health,
    LossWithInterval,
    Reading,
)
from perennial.ledger.ledger import Ledger
from perennial.watching.channels import load_channel, may_retrain
from perennial.watching.channels.channel import Channel, Finding, Watched
from perennial.watching.channels.finding import unknown
from perennial.watching.channels.level import LevelFinding
from perennial.watching.channels.unseen import UnseenFinding
from perennial.watching.episodes import episode_changes

log = logging.getLogger("perennial.watching")

INFORMING = ("features", "predictions", "estimated_loss", "calibration", "business", "age")
"""Channels whose failure is a finding. The failure of any other channel, built in or custom, stops the cycle."""


def look(on: Watched) -> dict[str, Finding]:
    """The finding of each declared channel on a batch. Raises UnknownChannel.

    A built-in channel that only informs must not stop a cycle: if it fails, its finding is unknown, with the reason.
    """
    return {name: _looked(name, load_channel(name), on) for name in on.declaration.watch.channels}


def _looked(name: str, channel: Channel, on: Watched) -> Finding:
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
    findings: Mapping[str, Finding], open_now: Sequence[Episode], release_no: int, batch: BatchEntry
) -> list[EpisodeClosed | Episode]:
    """The ledger rows of the episodes that a batch closes and opens; an episode's key allows one per moment."""
    due, at = episode_changes(open_now, findings, release_no=release_no), batch.arrived_at
    closed = [
        EpisodeClosed(episode=each.episode, closed_at=at, batch=batch.batch, detail=each.detail) for each in due.closes
    ]
    opened = [
        Episode(
            episode=f"{each.channel}@{at}",
            channel=each.channel,
            opened_at=at,
            batch=batch.batch,
            release_no=release_no,
            detail=each.detail,
        )
        for each in due.opens
    ]
    return [*closed, *opened]


def open_episodes(ledger: Ledger, usecase: str) -> list[Episode]:
    """Episodes that are not closed yet, oldest first."""
    closed = {r.key for r in ledger.all(usecase, EpisodeClosed)}
    return [r.payload for r in ledger.all(usecase, Episode) if r.key not in closed]


def wants_retraining(ledger: Ledger, usecase: str) -> str | None:
    """The id of an open episode since which nothing was trained, or None.

    Whatever triggered it, a challenger trained at that moment or later has learned from what opened the episode.
    """
    trained = max((instant(r.payload.as_of) for r in ledger.all(usecase, ChallengerEntry)), default=None)
    waiting = [
        episode
        for episode in open_episodes(ledger, usecase)
        if (trained is None or trained < instant(episode.opened_at)) and may_retrain(episode.channel)
    ]
    return waiting[0].episode if waiting else None


def readings_before(ledger: Ledger, usecase: str, as_of: datetime) -> tuple[Reading, ...]:
    """The channels' readings on earlier batches of finished cycles, the oldest first."""
    cycles = [row.payload for row in ledger.all(usecase, Cycle)]
    return tuple(each for cycle in cycles if instant(cycle.as_of) < as_of for each in cycle.health.readings)


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
    open_now: Sequence[Episode],
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
        alarms=tuple(_alarm(episode) for episode in open_now),
        action="retrain" if retrain else "none",
        readings=tuple(
            Reading(channel=name, value=each.value, threshold=each.threshold, age_days=on.age_days, words=each.words)
            for name, each in findings.items()
        ),
    )


def _loss(findings: Mapping[str, Finding]) -> LossWithInterval | None:
    return next((each.loss for each in findings.values() if isinstance(each, LevelFinding)), None)


def _alarm(episode: Episode) -> Alarm:
    severity = episode.severity or load_channel(episode.channel).severity
    return Alarm(channel=episode.channel, severity=severity, detail=episode.detail, episode=episode.episode)
