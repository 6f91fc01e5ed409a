"""What people should know now, by the ledger: episodes, decisions that wait, held batches.

A notice is about a state, not about the run that found it. Repeating a run therefore changes nothing, whatever a crash
left out is due in the next run, and a backfill of a year ends with the episodes that are still open.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from perennial.identity import short_id
from perennial.ledger.entries import (
    AlertQueued,
    BatchEntry,
    ChallengerEntry,
    Cycle,
    Decision,
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
from perennial.secrets import masked
from perennial.watching.episodes import severity_so_far
from perennial.watching.explained import Action, explained
from perennial.watching.health import open_episodes, severity_of


@dataclass(frozen=True)
class Notice:
    """Something to know, before it is known who gets a message.

    subject: an episode, a decision or a batch, by its id. channel: of the episode, or what it is about (`batches`,
    `decisions`, `runs`). since: by the use case's clock. about: what was repaired, where most, and what it costs.
    started: what Perennial did because of it. can_do: what a person can do, each in words.
    """

    subject: str
    stage: Stage
    severity: Severity
    channel: str
    since: str
    detail: str
    about: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    can_do: tuple[tuple[Action, str], ...] = ()
    frozen: bool = False

    @property
    def of_episode(self) -> bool:
        """Whether it is about an episode."""
        return self.stage in ("opened", "rose", "closed")


def notices(ledger: Ledger, usecase: str) -> list[Notice]:
    """Everything to know about a use case now, in the order in which it happened within each kind.

    An episode that is over is included only if somebody got a message about its beginning.
    """
    episodes = [row.payload for row in ledger.all(usecase, Episode)]
    of_contract = {each.batch for each in open_episodes(ledger, usecase) if each.channel == "contract"}
    known = _of_episodes(ledger, usecase, episodes) if episodes else []
    return [*known, *_of_batches(ledger, usecase, of_contract), *_of_decision(ledger, usecase)]


def _of_episodes(ledger: Ledger, usecase: str, episodes: Sequence[Episode]) -> list[Notice]:
    reported = {row.payload.subject for row in ledger.all(usecase, AlertQueued)}
    closed = {row.key: row.payload for row in ledger.all(usecase, EpisodeClosed)}
    frozen = {each.episode for each in freezes(ledger, usecase)}
    due = [each for each in episodes if each.episode not in closed or each.episode in reported]
    if not due:
        return []
    rises = [row.payload for row in ledger.all(usecase, EpisodeRose)]
    challengers = [row.payload for row in ledger.all(usecase, ChallengerEntry)]
    decisions = [row.payload for row in ledger.all(usecase, Decision)]
    releases = [row.payload for row in ledger.all(usecase, Release)]
    batches = [row.payload for row in ledger.all(usecase, BatchEntry)]
    known: list[Notice] = []
    for episode in due:
        over = closed.get(episode.episode)
        words = explained(
            episode,
            of_channel=severity_of(episode.channel),
            rises=rises,
            closed=over,
            challengers=challengers,
            decisions=decisions,
            releases=releases,
            batches=batches,
        )
        common = Notice(
            subject=episode.episode,
            stage="opened",
            severity=severity_so_far(episode, (), severity_of(episode.channel)),
            channel=episode.channel,
            since=episode.opened_at,
            detail=episode.detail,
            about=(*words.repaired, *words.about, *words.costs),
            started=(*responses_to(ledger, usecase, episode.episode), *words.started),
            can_do=words.can_do,
            frozen=episode.episode in frozen,
        )
        if over is None:
            mine = [each for each in rises if each.episode == episode.episode]
            known += [common, *(replace(common, stage="rose", severity=r.severity, detail=r.detail) for r in mine)]
        else:
            left = ("Releases are still frozen.",) if common.frozen else ()
            end = replace(common, stage="closed", severity=words.severity, about=(), started=left)
            known.append(replace(end, since=over.closed_at, detail=over.detail))
    return known


def _of_batches(ledger: Ledger, usecase: str, reported: Collection[str]) -> list[Notice]:
    """Held batches, unless an open episode reports them. A page, as in the contract channel."""
    return [
        Notice(
            subject=batch.batch,
            stage="held",
            severity="page",
            channel="batches",
            since=batch.arrived_at,
            detail=f"Batch {batch.window} is held, none of its rows is used: {'; '.join(batch.held_because)}",
        )
        for batch in held_batches(ledger, usecase)
        if batch.batch not in reported
    ]


def _of_decision(ledger: Ledger, usecase: str) -> list[Notice]:
    decision = open_question(ledger, usecase)
    if decision is None:
        return []
    because = " ".join(filter(None, (decision.reasons[0], decision.prefers_alone)))
    detail = f"Version {decision.challenger.version} was compared on batch {decision.batch}. {because}"
    return [Notice(decision.id, "waits", "warning", "decisions", decision.as_of, detail)]


def failure_of(ledger: Ledger, usecase: str, message: str, at: str) -> Notice:
    """A run that failed with that message. The same failure has one identity until a cycle finishes."""
    cycles = ledger.all(usecase, Cycle)
    first = masked(message).strip().partition("\n")[0] or "It gave no reason"
    subject = f"run-{short_id([cycles[-1].key if cycles else '', first])}"
    return Notice(subject, "failed", "warning", "runs", at, first)


def responses_to(ledger: Ledger, usecase: str, episode: str) -> tuple[str, ...]:
    """What was done automatically because of an episode, one sentence each."""
    frozen, not_back = ledger.get(usecase, ReleasesFrozen, episode), ledger.get(usecase, RollbackNotPossible, episode)
    rows: list[Recorded] = [frozen.payload] if frozen else []
    rows += [row.payload for row in ledger.all(usecase, Release) if row.payload.cause == episode]
    rows += [not_back.payload] if not_back else []
    return tuple(response_in_words(row) for row in rows)


def response_in_words(row: Recorded) -> str:
    """What an automated response did, as a sentence."""
    if isinstance(row, ReleasesFrozen):
        return "Releases are frozen until a person resumes them."
    if isinstance(row, Release):
        return f"Rolled back: {row.are_live} again as release {row.release_no}."
    if isinstance(row, RollbackNotPossible):
        return f"Not rolled back: {row.why}."
    raise TypeError(f"{type(row).__name__} is not a response")
