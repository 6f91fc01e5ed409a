"""What a policy is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.evaluation.guards import GuardFinding
    from perennial.evaluation.results import MetricResult, Outcome


@dataclass(frozen=True)
class Case:
    """One challenger against what serves now.

    primary: the deciding metric's result. guards: what the guard metrics say.
    rows, clusters, cluster_by: the sample that judged.
    is_first: nothing serves yet; the results' champion is then the naive baseline.
    champion_skill: how much better than the base rate the champion is on these rows, in the primary
        metric's unit; None where it is not better.
    days_since_release: the age of what serves; None where nothing does.
    refresh_after_days: the age from which a model that is no worse may take its place.
    alpha: one-sided.
    """

    primary: MetricResult
    guards: GuardFinding
    rows: int
    clusters: int
    cluster_by: str = "day"
    is_first: bool = False
    champion_skill: float | None = None
    days_since_release: float | None = None
    refresh_after_days: float = 90.0
    alpha: float = 0.05

    @property
    def is_better(self) -> bool:
        """Whether the challenger is proven better on the primary metric, at `alpha`."""
        return self.primary.p_value is not None and self.primary.p_value < self.alpha

    @property
    def is_worse(self) -> bool:
        """Whether the challenger is proven worse on the primary metric, at `alpha`."""
        return self.primary.p_value is not None and 1 - self.primary.p_value < self.alpha

    @property
    def refresh_is_due(self) -> bool:
        """Whether what serves is so old that non-inferior is enough."""
        return self.days_since_release is not None and self.days_since_release >= self.refresh_after_days


@dataclass(frozen=True)
class Ruling:
    """What follows, and why, in sentences with the numbers in them."""

    outcome: Outcome
    reasons: tuple[str, ...]
