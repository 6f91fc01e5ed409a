"""Episodes: an alarm is told once, and ends once, however many batches it lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perennial.ledger.entries import Episode
from perennial.watching.channels.channel import Finding


@dataclass(frozen=True)
class ToOpen:
    """An episode to begin."""

    channel: str
    detail: str


@dataclass(frozen=True)
class ToClose:
    """An episode, by its id, to end."""

    episode: str
    detail: str


@dataclass(frozen=True)
class EpisodeChanges:
    """What begins and what ends with a batch."""

    opens: tuple[ToOpen, ...]
    closes: tuple[ToClose, ...]


def episode_changes(
    open_episodes: Sequence[Episode], findings: Mapping[str, Finding], *, release_no: int
) -> EpisodeChanges:
    """Which episodes a batch begins and ends.

    open_episodes: those not closed yet. findings: of the batch, by channel. release_no: what serves now.
    An alarm opens an episode unless its channel has one for this release. An episode ends when its channel
    is back, or when another release serves: it was about a model that no longer does. A channel that
    found nothing to go by changes nothing.
    """
    mine = [episode for episode in open_episodes if episode.release_no == release_no]
    replaced = [
        ToClose(episode.episode, f"Release {episode.release_no} no longer serves; release {release_no} does.")
        for episode in open_episodes
        if episode.release_no != release_no
    ]
    ended = [
        ToClose(episode.episode, findings[episode.channel].words)
        for episode in mine
        if episode.channel in findings and findings[episode.channel].back
    ]
    already = {episode.channel for episode in mine}
    begun = [
        ToOpen(channel, finding.words)
        for channel, finding in findings.items()
        if finding.alarm and channel not in already
    ]
    return EpisodeChanges(tuple(begun), (*replaced, *ended))
