"""Health, episodes and cycles."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from perennial.ledger.entries.entry import Entry, Recorded

NO_CHALLENGER = "there is no challenger"
"""Why a cycle decided nothing if no challenger was waiting."""

Severity = Literal["info", "warning", "page"]
"""What an alarm is for: to be read, to be looked at on a working day, to wake a person."""


class Episode(Recorded):
    """A period in which a champion performed badly. Key: `channel@opened_at`.

    severity: when it opened; None, which is left out of the row, means the channel's.
    """

    episode: str
    channel: str
    opened_at: str
    batch: str
    release_no: int
    detail: str
    severity: Severity | None = None

    @property
    def key(self) -> str:
        return self.episode

    @model_serializer(mode="wrap")
    def _without_none(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As before `severity` was added if it is the channel's."""
        return {name: value for name, value in serialize(self).items() if name != "severity" or value is not None}


class EpisodeRose(Recorded):
    """An open episode became more severe. Key: `episode:severity`, so it rises once to each."""

    episode: str
    risen_at: str
    batch: str
    severity: Severity
    detail: str

    @property
    def key(self) -> str:
        return f"{self.episode}:{self.severity}"


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
    severity: Severity
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
