"""What a policy is told, and what it answers."""

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


@dataclass(frozen=True)
class Case:
    """One challenger against what serves now.

    primary: the deciding metric's result. guards: what the guard metrics say.
    rows, clusters, cluster_by: the sample that judged. will_not_come: it has too few clusters, and waiting is no help.
    is_first: nothing serves yet; the results' champion is then the naive baseline.
    champion_skill: how much better than the base rate the champion is on these rows, in the primary
        metric's unit; None where it is not better.
    days_since_release: the age of what serves; None where nothing does.
    refresh_after_days: the age from which a model that is no worse may take its place.
    alpha: what the proof of a gain may err at, one-sided. That of a harm is always 5 %.
    min_gain: the gain that a challenger must be proven to exceed, in the primary metric's unit; a first model need not.
    looks: at this challenger so far and this one, each as the share of the declared patience; empty without any.
    gains: of the primary metric in earlier decisions between two models, the oldest first.
    year, pool, taken: the calendar year, whether an event asked for the challenger, and every decision before.
    planned_decisions, event_decisions: how many of each a year provides for.
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

    @property
    def is_better(self) -> bool:
        """Whether the challenger is proven better on the primary metric, by more than `min_gain`, at `alpha`."""
        return (p := self.p_value) is not None and p < self.alpha

    @property
    def p_value(self) -> float | None:
        """One-sided, against "the challenger gains at most `min_gain`"; None where nothing can be decided."""
        found = self.primary
        if not self.min_gain or self.is_first or found.p_value is None:
            return found.p_value
        if found.gain is None or found.se is None or found.df is None:
            return None
        return p_at_most(found.gain, found.se, found.df, self.min_gain)

    @property
    def is_worse(self) -> bool:
        """Whether the challenger is proven worse on the primary metric, at 5 %."""
        return self.primary.p_value is not None and 1 - self.primary.p_value < ALPHA

    @property
    def refresh_is_due(self) -> bool:
        """Whether what serves is so old that non-inferior is enough."""
        return self.days_since_release is not None and self.days_since_release >= self.refresh_after_days


@dataclass(frozen=True)
class Ruling:
    """What follows, and why, in sentences with the numbers in them.

    alpha: what a release could err at. level: what one look of several was held to, where that is another number.
    spent: of the year's budget before, None for a policy without one.
    refit_weight: the share that the newest refit has in what serves, None for a policy that serves one model.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    alpha: float = ALPHA
    spent: float | None = None
    refit_weight: float | None = None
    level: float | None = None

    @property
    def tested_at(self) -> float:
        """The one-sided level that the proof of a gain was held to."""
        return self.alpha if self.level is None else self.level
