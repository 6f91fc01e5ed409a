"""Held batches that an open episode is about, and that were accepted since.

An episode outlasts what it is about, so that an alarm is not reported again and again. This shows what was repaired.
"""

from __future__ import annotations

from collections.abc import Iterable

from perennial.clock import day
from perennial.ledger.entries import BatchEntry, Episode, EpisodeRose
from perennial.watching.episodes import AT_LEAST, BACK_FOR

_HOW = {
    "restated": " with other content",
    "requeued": " when its checks were run again",
    "waived": " because a person waived checks",
}


def repaired(episode: Episode, rises: Iterable[EpisodeRose], batches: Iterable[BatchEntry]) -> tuple[str, ...]:
    """A sentence for each of these batches, and when the episode closes; empty where there is none.

    rises: of any episode. batches: all entries, in the order of writing. The batches of an episode are those with
    which it opened and rose.
    """
    ids = {episode.batch, *(rise.batch for rise in rises if rise.episode == episode.episode)}
    entries = list(batches)
    windows = {entry.window for entry in entries if entry.batch in ids and entry.status == "held"}
    newest = {entry.window: entry for entry in entries if entry.window in windows}
    accepted = [
        f"Batch {entry.window} was accepted since, on {day(entry.arrived_at)}{_HOW.get(entry.because, '')}."
        for entry in newest.values()
        if entry.status == "accepted"
    ]
    usual = f"it is {AT_LEAST.days} days old and batches have been as agreed for {BACK_FOR.days} days"
    closes = f"The alarm closes once {usual}, or once another champion is live."
    return (*accepted, closes) if accepted else ()
