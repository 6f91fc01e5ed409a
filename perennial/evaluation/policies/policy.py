"""What a release policy is: a function that rules on a challenger, and what it requires of a declaration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.evaluation.policies.case import Case, Ruling


@dataclass(frozen=True)
class ReleasePolicy:
    """A policy with its name.

    decide: rules on one challenger. summary: when it releases, in a few words, for the declaration's reference.
    a_year: the error level of all decisions of a calendar year together; None if each decision has its own.
    mixes: whether two models are live together, whose loss is bounded for convex metrics only.
    allows_patience: whether an undecided challenger can wait for more days.
    in_families: whether it proves a gain at any level that it is given, so that it can be decided with others.
    """

    name: str
    decide: Callable[[Case], Ruling]
    summary: str
    a_year: float | None = None
    mixes: bool = False
    allows_patience: bool = True
    in_families: bool = False

    def __call__(self, case: Case) -> Ruling:
        """Call `decide`."""
        return self.decide(case)
