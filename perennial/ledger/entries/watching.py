"""Health, episodes and cycles."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from perennial.evaluation.results import left_out_if_none
from perennial.ledger.entries.entry import Entry, Recorded

NO_CHALLENGER = "there is no challenger"
"""Why a cycle decided nothing if no challenger was waiting."""

Severity = Literal["info", "warning", "page"]
"""What an alarm is for: to be read, to be looked at on a working day, to wake a person."""


class SliceShare(Entry):
    """A slice and what it contributes to a mean excess loss: its share of the rows times its own mean excess."""

    column: str
    value: str
    rows: int
    share: float
    mean_excess: float
    contribution: float


class NewValue(Entry):
    """A value of a column and the number of its rows."""

    value: str
    rows: int


class ColumnEvidence(Entry):
    """A column that an episode is about. share: of the rows that are affected. values: the most frequent ones."""

    column: str
    share: float
    values: tuple[NewValue, ...] = ()


class DailyValue(Entry):
    """How far the declared value of a day's predictions is below that of the champion's evaluation; above: negative.

    low, high: of its 95 % interval. On `rows` labelled rows of `days` days.
    """

    name: str
    lost: float
    low: float
    high: float
    rows: int
    days: int


class Evidence(Entry):
    """What was measured when an episode opened. None and empty: not measured by that channel.

    cost_per_day: excess of the named loss, summed over a day's rows; on `rows` rows of `days` days. cost_low,
    cost_high: of its 95 % interval. value: in the declared value. These three are left out of the row where they are
    None.
    """

    rows: int
    days: int
    loss: str = ""
    cost_per_day: float | None = None
    slice: SliceShare | None = None
    columns: tuple[ColumnEvidence, ...] = ()
    cost_low: float | None = None
    cost_high: float | None = None
    value: DailyValue | None = None

    _without_none = left_out_if_none("cost_low", "cost_high", "value")


class Episode(Recorded):
    """A period in which a champion performed badly. Key: `channel@opened_at`.

    severity: when it opened; None means the channel's. evidence: None if the channel gave none. Both are left out of
    the row where they are None.
    """

    episode: str
    channel: str
    opened_at: str
    batch: str
    release_no: int
    detail: str
    severity: Severity | None = None
    evidence: Evidence | None = None

    @property
    def key(self) -> str:
        return self.episode

    _without_none = left_out_if_none("severity", "evidence")


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


class Day(Entry):
    """A labelled day since a champion's release: its mean loss, and by how much less a fresh model loses (`gap`).

    loss, gap: means over its `labelled` rows of `rows`, in the unit of the row loss. warm_up: one of the first days,
    which give the usual spread and raise no alarm; their gap is cross-fitted.
    """

    day: str
    loss: float
    gap: float
    labelled: int
    rows: int
    warm_up: bool = False


class FeatureMove(Entry):
    """How far a feature is from the champion's training rows: population stability index, and that of an alarm.

    mix, concept: what the change of its values, and of the loss at equal values, add to the loss; None if unknown.
    """

    name: str
    psi: float
    threshold: float
    mix: float | None
    concept: float | None


class Reading(Entry):
    """One channel's result on a batch: its statistic and the threshold, None if unknown.

    age_days: from the newest row that the champion was trained on to the batch. back: whether it was back to normal;
    None in rows of earlier versions. days: those it measured anew. features: those that moved most, the first the most.
    The last three are left out of the row where they are None or empty.
    """

    channel: str
    value: float | None
    threshold: float | None
    age_days: float
    words: str
    back: bool | None = None
    days: tuple[Day, ...] = ()
    features: tuple[FeatureMove, ...] = ()

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        added = {"back": self.back is not None, "days": bool(self.days), "features": bool(self.features)}
        return {name: value for name, value in serialize(self).items() if added.get(name, True)}


class ChannelRate(Entry):
    """How often a channel raises an alarm without a cause: per year, with a 95 % interval. None: unknown, and `why`.

    threshold: from now on, in the channel's unit; None: the declared one. years: resampled. pages: per year, of these.
    """

    channel: str
    threshold: float | None
    rate: float | None
    low: float | None
    high: float | None
    years: float
    why: str = ""
    pages: float | None = None


class Calibration(Recorded):
    """The false-alarm rates of a use case's channels, measured on its own days. Key: `release_no/days`.

    days: of history that were resampled, in blocks of `block` days. page_per_year: the declared budget.
    """

    release_no: int
    as_of: str
    days: int
    block: int
    page_per_year: float
    rates: tuple[ChannelRate, ...]

    @property
    def key(self) -> str:
        return f"{self.release_no}/{self.days}"


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


class Postponed(Entry):
    """A refit that waits for a later run of a fleet, because the compute budget of this one had no room for it.

    rank: in the order of value, among the `due` ones. seconds: of its last fit. planned_seconds: of the refits before
    it, of `budget_seconds`. day_costs: what a day of age costs, by which it was ordered; left out if nothing was
    measured.
    """

    rank: int
    due: int
    seconds: float
    planned_seconds: float
    budget_seconds: float
    day_costs: float | None = None

    _without_none = left_out_if_none("day_costs")


class Cycle(Recorded):
    """A finished cycle. Key: the batch's.

    waits: why nothing was decided; not_trained: why no challenger could be trained yet. Empty if it was.
    postponed: if only a fleet's budget is why; left out of the row where it is None.
    """

    batch: str
    as_of: str
    decision: str | None
    challenger: str | None
    health: Health
    waits: str
    not_trained: str
    postponed: Postponed | None = None

    _without_none = left_out_if_none("postponed")

    @property
    def key(self) -> str:
        return self.batch
