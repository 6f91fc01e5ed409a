"""A policy's input and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.evaluation.budget import Taken
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.intervals.student_t import p_at_most
from perennial.evaluation.results import Pool

if TYPE_CHECKING:
    from perennial.evaluation.guards import GuardFinding
    from perennial.evaluation.results import MetricResult, Outcome


def p_of_gain(primary: MetricResult, min_gain: float) -> float | None:
    """One-sided, against "the challenger gains at most `min_gain`"; None if nothing can be decided."""
    if not min_gain or primary.p_value is None:
        return primary.p_value
    if primary.gain is None or primary.se is None or primary.df is None:
        return None
    return p_at_most(primary.gain, primary.se, primary.df, min_gain)


@dataclass(frozen=True)
class Case:
    """One challenger against the live model.

    primary: the deciding metric's result. guards: the combined result of the guard metrics.
    rows, clusters, cluster_by: the evaluation rows. will_not_come: they have too few clusters, and waiting does not
        help.
    is_first: no model is live yet; the champion in the results is then the naive baseline.
    champion_skill: how much better than the base rate the champion is on these rows, in the primary
        metric's unit; None if it is not better.
    days_since_release: the age of the live model; None without one.
    refresh_after_days: the age from which a model that is no worse may replace it.
    alpha: the one-sided level at which a gain is proven. Harm is always tested at 5 %.
    min_gain: the gain that a challenger must be proven to exceed, in the primary metric's unit; not for a first model.
    looks: at this challenger so far and this one, each as a share of the declared patience; empty without patience.
    gains: of the primary metric in earlier decisions between two models, the oldest first.
    year, pool, taken: the calendar year, whether an event requested the challenger, and all earlier decisions.
    planned_decisions, event_decisions: how many of each a year provides for.
    candidate: what is compared, in words: the challenger, or the mixture of it and what is live.
    """

    primary: MetricResult
    guards: GuardFinding
    rows: int
    clusters: int
    cluster_by: str = "day"
    will_not_come: bool = False
    is_first: bool = False
    champion_skill: float | None = None
    days_since_release: float | None = None
    refresh_after_days: float = 90.0
    alpha: float = ALPHA
    min_gain: float = 0.0
    looks: tuple[float, ...] = ()
    gains: tuple[float, ...] = ()
    year: int = 0
    pool: Pool = "planned"
    taken: tuple[Taken, ...] = ()
    planned_decisions: int = 12
    event_decisions: int = 4
    candidate: str = "the challenger"

    @property
    def is_better(self) -> bool:
        """Whether the challenger is proven better on the primary metric, by more than `min_gain`, at `alpha`."""
        return (p := self.p_value) is not None and p < self.alpha

    @property
    def p_value(self) -> float | None:
        """One-sided, against "the challenger gains at most `min_gain`"; None if nothing can be decided."""
        return p_of_gain(self.primary, 0.0 if self.is_first else self.min_gain)

    @property
    def is_worse(self) -> bool:
        """Whether the challenger is proven worse on the primary metric, at 5 %."""
        return self.primary.p_value is not None and 1 - self.primary.p_value < ALPHA

    @property
    def refresh_is_due(self) -> bool:
        """Whether the live model is so old that a non-inferior challenger may replace it."""
        return self.days_since_release is not None and self.days_since_release >= self.refresh_after_days


@dataclass(frozen=True)
class Ruling:
    """The outcome, with the reasons in sentences that contain the numbers.

    alpha: the error level of a release. level: that of one look of several, if it differs.
    spent: of the year's budget so far, None for a policy without one.
    refit_weight: the newest refit's weight in the live predictions, None for a policy with a single live model.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    alpha: float = ALPHA
    spent: float | None = None
    refit_weight: float | None = None
    level: float | None = None

    @property
    def tested_at(self) -> float:
        """The one-sided level at which the gain was tested."""
        return self.alpha if self.level is None else self.level
