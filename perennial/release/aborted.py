"""The episode of a candidate that was taken away: it opens with the abort and is over once that is history."""

from __future__ import annotations

from datetime import datetime

from perennial.clock import instant, write_instant
from perennial.ledger.entries import BatchEntry, Episode, EpisodeClosed, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release
from perennial.watching.episodes import AT_LEAST
from perennial.watching.explained import OF_STAGES
from perennial.watching.health import open_episodes


def abort_reports(ledger: Ledger, usecase: str, as_of: datetime) -> list[Episode | EpisodeClosed]:
    """The rows that are missing: an episode for the newest abort, and the ends of those that are over.

    One is over after another candidate has begun its stages, or after `AT_LEAST`.
    """
    release, batches = current_release(ledger, usecase), ledger.all(usecase, BatchEntry)
    if release is None or not batches:
        return []
    batch = batches[-1].payload.batch
    rows: list[Episode | EpisodeClosed] = []
    if release.kind == "abort" and ledger.get(usecase, Episode, _name(release)) is None:
        rows.append(
            Episode(
                episode=_name(release),
                channel=OF_STAGES,
                opened_at=release.as_of,
                batch=batch,
                release_no=release.release_no,
                detail=release.reason,
                severity="page",
            )
        )
    for episode in open_episodes(ledger, usecase):
        if episode.channel != OF_STAGES:
            continue
        if release.candidate is not None and instant(release.as_of) < as_of:
            words = release.candidate.versions
            why = f"{words[0].upper()}{words[1:]} is in a stage now."
        elif as_of - instant(episode.opened_at) >= AT_LEAST:
            why = "The champion has answered everything since."
        else:
            continue
        rows.append(EpisodeClosed(episode=episode.episode, closed_at=write_instant(as_of), batch=batch, detail=why))
    return rows


def _name(release: Release) -> str:
    return f"{OF_STAGES}@{release.as_of}"
