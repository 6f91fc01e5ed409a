"""What a release policy is: a function that rules, and what it needs of a declaration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.evaluation.policies.case import Case, Ruling


@dataclass(frozen=True)
class ReleasePolicy:
    """A policy by name.

    decide: rules on one challenger. summary: when it releases, in a few words, for the declaration's reference.
    a_year: what all decisions of a calendar year may err at together; None where each decision stands alone.
    mixes: whether two models are live together, which is bounded for convex metrics only.
    allows_patience: whether an undecided challenger can wait for more days.
    """

    name: str
    decide: Callable[[Case], Ruling]
    summary: str
    a_year: float | None = None
    mixes: bool = False
    allows_patience: bool = True

    def __call__(self, case: Case) -> Ruling:
        """As `decide`."""
        return self.decide(case)
