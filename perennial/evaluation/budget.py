"""A year's budget of errors: how likely a year without any real improvement may see a release, shared out in advance.

A union bound: where each of N decisions may err at A/N, all together err with at most A. Source: Bonferroni, as in
Dunn (1961), Multiple Comparisons among Means. Nothing is gained here by spending it in another order: with 12 to 24
decisions a year, online false-discovery rules release as much and promise less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perennial.evaluation.figures import percent
from perennial.evaluation.results import Pool

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Taken:
    """A decision that was taken before: in which year, from which pool, and what it could err at (one-sided)."""

    year: int
    pool: Pool
    alpha: float


@dataclass(frozen=True)
class Share:
    """What one decision may err at, and why, in a sentence.

    alpha: one-sided; 0 where nothing is left. spent: by this year's decisions before it, whatever their policy.
    """

    alpha: float
    spent: float
    sentence: str


def share_of(a_year: float, planned: int, events: int, taken: Sequence[Taken], year: int, pool: Pool) -> Share:
    """The share of the next decision.

    a_year: what all decisions of a calendar year may err at together. planned, events: how many are provided for,
    those that the calendar brings and those that an event asks for; each gets the same. taken: all before, of any
    year. A decision under a policy without a budget counts with what it could err at, so that changing the policy
    buys nothing.

    >>> share_of(0.05, 12, 4, [], 2013, "planned").alpha
    0.003125
    >>> share_of(0.05, 12, 4, [Taken(2013, "planned", 0.05)], 2013, "planned").alpha
    0.0
    """
    this_year = [each for each in taken if each.year == year]
    spent = sum(each.alpha for each in this_year)
    each = a_year / (planned + events)
    size = planned if pool == "planned" else events
    number = sum(t.pool == pool for t in this_year) + 1
    kind = "planned" if pool == "planned" else "event-triggered"
    plan = f"{percent(a_year)} a year, shared by {planned} planned and {events} event-triggered decisions"
    if number > size:
        return Share(
            0.0, spent, f"It can release nothing: the year {year} provides for {size} {kind} decisions ({plan})."
        )
    if spent + each > a_year * (1 + _ROUNDING):
        told = f"It can release nothing: the decisions of {year} before could err at {percent(spent)}, of {plan}."
        return Share(0.0, spent, told)
    return Share(
        each,
        spent,
        f"It may err at {percent(each)}: {plan}; this is number {number} of {size} {kind} ones in {year}, and "
        f"{percent(spent)} were spent before.",
    )
