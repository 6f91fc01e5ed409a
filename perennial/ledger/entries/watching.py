"""Health, episodes and cycles."""

from __future__ import annotations

from typing import Literal

from perennial.ledger.entries.entry import Entry, Recorded

NO_CHALLENGER = "there is no challenger"
"""Why a cycle decided nothing if no challenger was waiting."""


class Episode(Recorded):
    """A period in which a champion performed badly. Key: `channel@opened_at`."""

    episode: str
    channel: str
    opened_at: str
    batch: str
    release_no: int
    detail: str

    @property
    def key(self) -> str:
        return self.episode


class EpisodeClosed(Recorded):
    """The end of an episode. Key: the episode's."""

    episode: str
    closed_at: str
    batch: str
    detail: str

    @property
    def key(self) -> str:
        return self.episode


class LossWithInterval(Entry):
    """A loss, its 95 % interval and the reference it is compared with."""

    value: float
    ci_low: float
    ci_high: float
    reference: float | None


class Alarm(Entry):
    """A problem found by watching."""

    channel: str
    severity: Literal["info", "warning", "page"]
    detail: str
    episode: str | None


class Reading(Entry):
    """One channel's result on a batch: its statistic and the threshold, None if unknown.

    age_days: from the newest row that the champion was trained on to the batch.
    """

    channel: str
    value: float | None
    threshold: float | None
    age_days: float
    words: str


class Health(Entry):
    """How well the champion did on one batch. Fields are None while unknown. readings: of every channel."""

    usecase: str
    batch: str
    as_of: str
    rows: int
    labelled_rows: int
    loss: LossWithInterval | None
    unseen_share: float | None
    alarms: tuple[Alarm, ...]
    action: Literal["none", "retrain"]
    readings: tuple[Reading, ...] = ()


class Cycle(Recorded):
    """A finished cycle. Key: the batch's.

    waits: why nothing was decided; not_trained: why no challenger could be trained yet. Empty if it was.
    """

    batch: str
    as_of: str
    decision: str | None
    challenger: str | None
    health: Health
    waits: str
    not_trained: str

    @property
    def key(self) -> str:
        return self.batch
