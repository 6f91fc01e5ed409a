"""Episodes: an alarm is reported once and closed once, however many batches it lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perennial.ledger.entries import Episode
from perennial.watching.channels.channel import Finding


@dataclass(frozen=True)
class ToOpen:
    """An episode to open."""

    channel: str
    detail: str


@dataclass(frozen=True)
class ToClose:
    """An episode to close, by its id."""

    episode: str
    detail: str


@dataclass(frozen=True)
class EpisodeChanges:
    """The episodes that a batch opens and closes."""

    opens: tuple[ToOpen, ...]
    closes: tuple[ToClose, ...]


def episode_changes(
    open_episodes: Sequence[Episode], findings: Mapping[str, Finding], *, release_no: int
) -> EpisodeChanges:
    """The episodes that a batch opens and closes.

    open_episodes: those not closed yet. findings: of the batch, by channel. release_no: the live release.
    An alarm opens an episode unless its channel has one for this release. An episode is closed when its channel is back
    to normal, or when another release is live, since its model no longer is. A channel without a result changes
    nothing.
    """
    mine = [episode for episode in open_episodes if episode.release_no == release_no]
    replaced = [
        ToClose(episode.episode, f"Release {episode.release_no} is no longer live; release {release_no} is.")
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
