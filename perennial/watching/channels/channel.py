"""What a channel is: one question about a batch, its statistic, and what its alarm may cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from perennial.ledger.entries.watching import Severity

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from perennial.evaluation.metrics.metric import Metric
    from perennial.evaluation.paired import Clusters
    from perennial.ledger.entries import BatchEntry, Calibration, Day, Evidence, FeatureMove, Reading, Reference
    from perennial.model.artifact import Fitted
    from perennial.store.stored_rows import StoredRows
    from perennial.usecase.declaration import Declaration
    from perennial.watching.after_release import AfterRelease
    from perennial.watching.batch_statistics import BatchStatistics
    from perennial.watching.served_again import ServedAgain

__all__ = ["Channel", "Finding", "GivesEvidence", "MeasuresDays", "Severity", "Watched"]


@dataclass(frozen=True)
class Watched:
    """What a channel may look at: one batch, and the live model.

    rows: all accepted rows of the batch. labelled: the rows with a known label on which the loss is measured, aligned
    with `labels`, `predicted` (by the live model, which may be a mixture with the champion) and `clusters`.
    reference, metric: the champion's loss where it was evaluated, and its metric.
    age_days: from the newest moment that the champion was trained on to this batch.
    past: readings of earlier batches, of all channels and models, the oldest first.
    batch: its ledger entry. statistics: counts of the batch and of the champion's rows, computed when a channel asks;
    None if there are none.
    worths: the custom metrics with one number per row, by name.
    at: the batch's arrival. recorded_days: labelled days since the champion's release that earlier batches measured.
    all_days: the same of every champion. evaluated: when the rows of the reference became known, from and to.
    after_release: reads the rows since the champion's release. calibration: the newest, None before the first.
    episodes: channel → since when it has an open episode about this champion.
    served: compares what was served since the batch before with the training side; None if nothing was.
    """

    declaration: Declaration
    champion: Fitted
    rows: pd.DataFrame | StoredRows
    labelled: pd.DataFrame | StoredRows
    labels: np.ndarray
    predicted: np.ndarray
    clusters: Clusters
    reference: Reference
    metric: Metric
    age_days: float
    past: Sequence[Reading] = ()
    batch: BatchEntry | None = None
    statistics: BatchStatistics | None = None
    worths: Mapping[str, Metric] = field(default_factory=dict)
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    recorded_days: tuple[Day, ...] = ()
    all_days: tuple[Day, ...] = ()
    evaluated: tuple[datetime, datetime] | None = None
    after_release: Callable[[], AfterRelease] | None = None
    calibration: Calibration | None = None
    episodes: Mapping[str, datetime] = field(default_factory=dict)
    served: Callable[[], ServedAgain] | None = None

    def alarm_for(self, channel: str) -> timedelta:
        """How long a channel's episode has been open; none counts as no time."""
        return self.at - self.episodes[channel] if channel in self.episodes else timedelta(0)

    @property
    def in_memory(self) -> Watched:
        """The same with all rows in memory: the channels of other packages get frames."""
        from perennial.store.stored_rows import in_memory

        return replace(self, rows=in_memory(self.rows), labelled=in_memory(self.labelled))

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Channel → its calibrated threshold; the others keep the declared one."""
        rates = self.calibration.rates if self.calibration else ()
        return {each.channel: each.threshold for each in rates if each.threshold is not None}


class Finding(Protocol):
    """A channel's result on one batch: an alarm, back to normal, or neither if it is unknown.

    value: of the statistic, None if unknown. threshold: what it is compared with. words: the result in a sentence.
    severity: of this alarm; None: the channel's own. A page of a channel that may not page counts as a warning.
    """

    @property
    def alarm(self) -> bool: ...

    @property
    def back(self) -> bool: ...

    @property
    def value(self) -> float | None: ...

    @property
    def threshold(self) -> float | None: ...

    @property
    def words(self) -> str: ...

    @property
    def severity(self) -> Severity | None: ...


@runtime_checkable
class MeasuresDays(Protocol):
    """A finding that also measured days, which its reading keeps for later batches."""

    @property
    def days(self) -> tuple[Day, ...]: ...


@runtime_checkable
class MovesFeatures(Protocol):
    """A finding about features, which its reading keeps: those that moved most, the first the most."""

    @property
    def moves(self) -> tuple[FeatureMove, ...]: ...


@runtime_checkable
class GivesEvidence(Protocol):
    """A finding that knows more about its alarm than a sentence: see `Evidence`. None if there is no alarm."""

    @property
    def evidence(self) -> Evidence | None: ...


class Channel(Protocol):
    """One way to watch.

    name: what a declaration lists under `watch.channels`. question: what it answers. statistic: how, with its source.
    unit: of the statistic. blind_to: what it cannot see. may_retrain: whether an alarm asks for a retraining, else it
    only warns. severity: of its alarms, unless a finding states another. may_page: whether a finding may page a person.
    """

    @property
    def name(self) -> str: ...

    @property
    def question(self) -> str: ...

    @property
    def statistic(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def blind_to(self) -> str: ...

    @property
    def may_retrain(self) -> bool: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def may_page(self) -> bool: ...

    def look(self, on: Watched) -> Finding:
        """The channel's finding on a batch."""
        ...
