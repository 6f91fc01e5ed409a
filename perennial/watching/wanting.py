"""Which open episode wants a retraining."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from perennial.clock import instant
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Episode, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, made_live, newest_entries, open_question, waiting_challenger
from perennial.usecase.declaration import Triggers
from perennial.watching.channels import may_retrain
from perennial.watching.channels.contract import CHANNEL as CONTRACT
from perennial.watching.channels.contract import wants_retraining_since
from perennial.watching.episodes import OpenEpisode
from perennial.watching.health import open_with_severity, severity_of


def wants_retraining(ledger: Ledger, usecase: str, triggers: Triggers) -> str | None:
    """The id of an open episode that may start a retraining and wants one, or None.

    It wants one until something was trained at the moment when it opened or later: whatever triggered it, that
    challenger has learned from what opened the episode. Where alarms alone start trainings, it wants another one after
    a challenger was turned down, as long as the model that it is about is live: no schedule and no batch would train.
    An episode that only informs, though its channel's alarms do more, never starts one: nothing shows that the model
    is worse, and a retraining would replace a challenger that already collects labels. One of the contract channel
    starts one only for features that accepted rows no longer have: see `wants_retraining_since`.
    """
    trained = max((instant(r.payload.as_of) for r in ledger.all(usecase, ChallengerEntry)), default=None)
    batches = newest_entries(ledger, usecase).values()
    again = not triggers.on_new_batch and triggers.schedule is None and _is_settled(ledger, usecase)
    waiting = [
        each.episode.episode
        for each in open_with_severity(ledger, usecase)
        if (since := _wants_since(each, batches)) is not None
        and (trained is None or trained < since or (again and _is_about_what_is_live(ledger, usecase, each.episode)))
        and triggers.retrains(each.episode.channel, may=may_retrain(each.episode.channel))
    ]
    return waiting[0] if waiting else None


def _wants_since(open_episode: OpenEpisode, batches: Iterable[BatchEntry]) -> datetime | None:
    """Since when an episode wants a retraining; None if it wants none."""
    episode = open_episode.episode
    if episode.channel == CONTRACT.name:
        return wants_retraining_since(instant(episode.opened_at), batches)
    informs = open_episode.severity == "info" and severity_of(episode.channel) != "info"
    return None if informs else instant(episode.opened_at)


def _is_settled(ledger: Ledger, usecase: str) -> bool:
    """Whether no challenger waits, for labels or for a person, and none is in a stage."""
    release = current_release(ledger, usecase)
    waits = waiting_challenger(ledger, usecase) or open_question(ledger, usecase) or (release and release.candidate)
    return not waits


def _is_about_what_is_live(ledger: Ledger, usecase: str, episode: Episode) -> bool:
    """Whether nothing took the place of the models that an episode is about. Features that vanished are about none."""
    live = made_live(row.payload for row in ledger.all(usecase, Release))
    return episode.channel != CONTRACT.name and live is not None and live.release_no <= episode.release_no
