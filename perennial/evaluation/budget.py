"""A year's error budget: the probability of any release in a year without real improvement, allocated in advance.

A union bound: if each of N decisions errs with probability at most A/N, all of them together err with at most A.
Source: Bonferroni, as in Dunn (1961), Multiple Comparisons among Means. Spending the budget in another order gains
nothing: with 12 to 24 decisions a year, online false-discovery rules release as much and guarantee less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perennial.evaluation.figures import percent
from perennial.evaluation.results import Pool

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Taken:
    """An earlier decision: its year, its pool, and its one-sided error level."""

    year: int
    pool: Pool
    alpha: float


@dataclass(frozen=True)
class Share:
    """The error level that one decision may use, with the reason in a sentence.

    alpha: one-sided; 0 if nothing is left. spent: by earlier decisions of the same year, whatever their policy.
    """

    alpha: float
    spent: float
    sentence: str


def share_of(a_year: float, planned: int, events: int, taken: Sequence[Taken], year: int, pool: Pool) -> Share:
    """The share of the next decision.

    a_year: the error level of all decisions of a calendar year together. planned, events: how many scheduled and how
    many event-triggered decisions the year provides for; each gets the same share. taken: all earlier decisions, of
    any year. A decision under a policy without a budget counts with its own error level, so that nothing is gained by
    changing the policy.

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
        sentence = f"It can release nothing: the decisions of {year} before could err at {percent(spent)}, of {plan}."
        return Share(0.0, spent, sentence)
    return Share(
        each,
        spent,
        f"It may err at {percent(each)}: {plan}; this is number {number} of {size} {kind} ones in {year}, and "
        f"{percent(spent)} were spent before.",
    )
