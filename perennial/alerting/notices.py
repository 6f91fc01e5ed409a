"""What people should know now, by the ledger: episodes, decisions that wait, held batches.

A notice is about a state, not about the run that found it. Repeating a run therefore changes nothing, whatever a crash
left out is due in the next run, and a backfill of a year ends with the episodes that are still open.
"""

from __future__ import annotations

from dataclasses import dataclass

from perennial.ledger.entries import (
    AlertQueued,
    ChallengerEntry,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Recorded,
    Release,
    ReleasesFrozen,
    RollbackNotPossible,
    Severity,
    Stage,
)
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import freezes, held_batches, open_question
from perennial.watching.episodes import severity_so_far
from perennial.watching.health import severity_of


@dataclass(frozen=True)
class Notice:
    """Something to know, before it is known who gets a message.

    subject: an episode, a decision or a batch, by its id. channel: of the episode, or what it is about (`batches`,
    `decisions`, `runs`). since: by the use case's clock. started: what Perennial did because of it.
    """

    subject: str
    stage: Stage
    severity: Severity
    channel: str
    since: str
    detail: str
    started: tuple[str, ...] = ()

    @property
    def of_episode(self) -> bool:
        """Whether it is about an episode."""
        return self.stage in ("opened", "rose", "closed")


def notices(ledger: Ledger, usecase: str) -> list[Notice]:
    """Everything to know about a use case now, in the order in which it happened within each kind.

    An episode that is over is included only if somebody got a message about its beginning.
    """
    reported = {row.payload.subject for row in ledger.all(usecase, AlertQueued)}
    closed = {row.key: row.payload for row in ledger.all(usecase, EpisodeClosed)}
    risen = [row.payload for row in ledger.all(usecase, EpisodeRose)]
    frozen = {each.episode for each in freezes(ledger, usecase)}
    known: list[Notice] = []
    for row in ledger.all(usecase, Episode):
        mine = [each for each in risen if each.episode == row.key]
        if row.key not in closed:
            known += _of_open(row.payload, mine, started_by(ledger, usecase, row.key))
        elif row.key in reported:
            known.append(_of_closed(row.payload, mine, closed[row.key], still_frozen=row.key in frozen))
    return [*known, *_of_batches(ledger, usecase), *_of_decision(ledger, usecase)]


def _of_open(episode: Episode, risen: list[EpisodeRose], started: tuple[str, ...]) -> list[Notice]:
    def notice(stage: Stage, severity: Severity, detail: str) -> Notice:
        return Notice(episode.episode, stage, severity, episode.channel, episode.opened_at, detail, started)

    opened = notice("opened", severity_so_far(episode, (), severity_of(episode.channel)), episode.detail)
    return [opened, *(notice("rose", each.severity, each.detail) for each in risen)]


def _of_closed(episode: Episode, risen: list[EpisodeRose], closed: EpisodeClosed, *, still_frozen: bool) -> Notice:
    severity = severity_so_far(episode, risen, severity_of(episode.channel))
    left = ("Releases are still frozen.",) if still_frozen else ()
    return Notice(episode.episode, "closed", severity, episode.channel, closed.closed_at, closed.detail, left)


def _of_batches(ledger: Ledger, usecase: str) -> list[Notice]:
    return [
        Notice(
            subject=batch.batch,
            stage="held",
            severity="warning",
            channel="batches",
            since=batch.arrived_at,
            detail=f"Batch {batch.window} is held, none of its rows is used: {'; '.join(batch.held_because)}",
        )
        for batch in held_batches(ledger, usecase)
    ]


def _of_decision(ledger: Ledger, usecase: str) -> list[Notice]:
    decision = open_question(ledger, usecase)
    if decision is None:
        return []
    detail = f"Version {decision.challenger.version} was compared on batch {decision.batch}. {decision.reasons[0]}"
    return [Notice(decision.id, "waits", "warning", "decisions", decision.as_of, detail)]


def started_by(ledger: Ledger, usecase: str, episode: str) -> tuple[str, ...]:
    """What was started because of an episode, one sentence each."""
    trained = [row.payload for row in ledger.all(usecase, ChallengerEntry) if row.payload.trigger.event == episode]
    frozen, not_back = ledger.get(usecase, ReleasesFrozen, episode), ledger.get(usecase, RollbackNotPossible, episode)
    rows: list[Recorded] = [frozen.payload] if frozen else []
    rows += [row.payload for row in ledger.all(usecase, Release) if row.payload.cause == episode]
    rows += [not_back.payload] if not_back else []
    return (
        *(response_in_words(row) for row in rows),
        *(f"Version {each.model.version} was trained because of it." for each in trained),
    )


def response_in_words(row: Recorded) -> str:
    """What an automated response did, as a sentence."""
    if isinstance(row, ReleasesFrozen):
        return "Releases are frozen until a person resumes them."
    if isinstance(row, Release):
        return f"Rolled back: {row.versions} is live again as release {row.release_no}."
    if isinstance(row, RollbackNotPossible):
        return f"Not rolled back: {row.why}."
    raise TypeError(f"{type(row).__name__} is not a response")
