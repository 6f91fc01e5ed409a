"""What the ledger holds about a use case, as far as the page needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perennial.ledger.entries import (
    Approval,
    BatchEntry,
    Calibration,
    ChallengerEntry,
    Cycle,
    Decision,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    LabelBatchEntry,
    Refusal,
    Release,
    RunFailed,
    SegmentCollected,
    Severity,
    StageLooked,
    Waiver,
)
from perennial.ledger.learned_erased import LearnedErased, learned_erased
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import (
    answers,
    first_live,
    frozen_decision,
    held_batches,
    held_labels,
    open_question,
    standing_failure,
)
from perennial.release.freeze import freezes_in_words
from perennial.release.words import headline_of
from perennial.serving.tally import Tally
from perennial.usecase.declaration import Declaration
from perennial.watching.episodes import severity_so_far
from perennial.watching.explained import is_of_former
from perennial.watching.health import severity_of

TABLED = 400
"""So many of the newest batches and decisions are on the page. The commands list all of them."""


@dataclass(frozen=True)
class History:
    """Everything in the ledger that the page is about, each kind in the order of writing.

    held, held_labels: batches and label files that are held now. question: the decision that waits for a person.
    answers: decision → what people decided of it.
    collected: served predictions. tally: what the services of the home counted; None if there was none.
    """

    usecase: str
    description: str
    metric: str
    batches: Sequence[BatchEntry]
    decisions: Sequence[Decision]
    releases: Sequence[Release]
    cycles: Sequence[Cycle]
    episodes: Sequence[Episode]
    closed: Sequence[EpisodeClosed]
    answers: Mapping[str, Approval | Refusal]
    waivers: Sequence[Waiver]
    held: Sequence[BatchEntry]
    held_labels: Sequence[LabelBatchEntry]
    question: Decision | None
    frozen: str
    kept_back: Decision | None
    rows: int
    head: str
    recorded_at: str
    rises: Sequence[EpisodeRose] = ()
    calibrations: Sequence[Calibration] = ()
    challengers: Sequence[ChallengerEntry] = ()
    collected: Sequence[SegmentCollected] = ()
    tally: Tally | None = None
    looks: Sequence[StageLooked] = ()
    approvers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    learned_erased: Sequence[LearnedErased] = ()
    failed: RunFailed | None = None

    def headline(self, decision: Decision) -> str:
        """A decision in a sentence, with what people answered, or that they did not before another one followed."""
        return headline_of(decision, self.answers.get(decision.id), over=self.question != decision)

    @property
    def newest_look(self) -> StageLooked | None:
        """The newest look at the stage that runs; None before the first, or if no candidate is in a stage."""
        running = self.live.release_no if self.live and self.live.candidate else None
        return next((each for each in reversed(self.looks) if each.release_no == running), None)

    @property
    def live(self) -> Release | None:
        """The newest release, None before the first."""
        return max(self.releases, key=lambda release: release.release_no, default=None)

    @property
    def open_episodes(self) -> list[Episode]:
        """Alarm episodes that no row closed."""
        closed = {each.episode for each in self.closed}
        return [episode for episode in self.episodes if episode.episode not in closed]

    @property
    def open_of_champion(self) -> list[Episode]:
        """Those without episodes about a former champion, which the next cycle closes."""
        former = self.open_of_former
        return [each for each in self.open_episodes if each not in former]

    @property
    def open_of_former(self) -> list[Episode]:
        """Open episodes about a former champion."""
        first = first_live(self.releases)
        return [each for each in self.open_episodes if is_of_former(each.channel, each.release_no, first)]

    @property
    def open_alarms(self) -> list[Episode]:
        """The open episodes that a person should look at: all that do more than inform."""
        return [each for each in self.open_of_champion if self.severity(each) != "info"]

    @property
    def open_information(self) -> list[Episode]:
        """The open episodes that only inform."""
        return [each for each in self.open_of_champion if self.severity(each) == "info"]

    def severity(self, episode: Episode) -> Severity:
        """The highest severity that an episode has had."""
        return severity_so_far(episode, self.rises, severity_of(episode.channel))


def history_of(ledger: Ledger, declaration: Declaration, tally: Tally | None = None) -> History:
    """What the ledger holds about a use case. An empty one is a history too: no batch came yet.

    tally: of the home's services.
    """
    usecase = declaration.name
    newest = ledger.newest(usecase)
    return History(
        usecase=usecase,
        description=declaration.description,
        metric=declaration.primary,
        batches=[row.payload for row in ledger.all(usecase, BatchEntry)],
        decisions=[row.payload for row in ledger.all(usecase, Decision)],
        releases=[row.payload for row in ledger.all(usecase, Release)],
        cycles=[row.payload for row in ledger.all(usecase, Cycle)],
        episodes=[row.payload for row in ledger.all(usecase, Episode)],
        closed=[row.payload for row in ledger.all(usecase, EpisodeClosed)],
        answers={decision: row.payload for decision, row in answers(ledger, usecase).items()},
        waivers=[row.payload for row in ledger.all(usecase, Waiver)],
        held=held_batches(ledger, usecase),
        held_labels=held_labels(ledger, usecase),
        question=open_question(ledger, usecase),
        frozen=freezes_in_words(ledger, usecase),
        kept_back=frozen_decision(ledger, usecase),
        rows=newest.position if newest else 0,
        head=newest.hash if newest else "",
        recorded_at=newest.recorded_at if newest else "never",
        rises=[row.payload for row in ledger.all(usecase, EpisodeRose)],
        calibrations=[row.payload for row in ledger.all(usecase, Calibration)],
        challengers=[row.payload for row in ledger.all(usecase, ChallengerEntry)],
        collected=[row.payload for row in ledger.all(usecase, SegmentCollected)],
        tally=tally,
        looks=[row.payload for row in ledger.all(usecase, StageLooked)],
        approvers=declaration.governance.approvers,
        learned_erased=learned_erased(ledger, usecase),
        failed=standing_failure(ledger, usecase),
    )
