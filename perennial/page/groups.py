"""How groups of persons are treated, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perennial.evaluation.bias import words
from perennial.evaluation.bias.results import SELECTION_RATE
from perennial.ledger.entries import Decision
from perennial.page.watching import Point

CHARTED = 12
"""How many groups are drawn, those with the lowest newest ratio; all of them are in the table."""


@dataclass(frozen=True)
class GroupsView:
    """The newest report: what is compared, its table, what the public ratios are, their table; and ratios over time.

    of: the batch of the decision that has the report.
    """

    of: str
    summary: str
    columns: tuple[str, ...]
    rates: words.Cells
    about_impact: str
    impact_columns: tuple[str, ...]
    impact: words.Cells
    courses: tuple[Point, ...]


def groups_view(decisions: Sequence[Decision]) -> GroupsView | None:
    """None if no decision has a report."""
    reports = [(decision.batch, decision.bias) for decision in decisions if decision.bias is not None]
    if not reports:
        return None
    batch, newest = reports[-1]
    return GroupsView(
        of=batch,
        summary=words.summary(newest),
        columns=words.RATES,
        rates=words.rates(newest),
        about_impact=words.about_impact(newest),
        impact_columns=words.IMPACT,
        impact=words.impact(newest),
        courses=_courses(decisions),
    )


def _courses(decisions: Sequence[Decision]) -> tuple[Point, ...]:
    """The selection rate ratio of each group in each decision that has one, with the declared limit."""
    courses: dict[str, list[Point]] = {}
    for decision in decisions:
        for column, group in decision.bias.groups if decision.bias else ():
            rate = group.measure(SELECTION_RATE)
            if decision.bias and rate is not None and rate.change is not None:
                name = f"{column.by} {group.value}"
                courses.setdefault(name, []).append(Point(name, decision.batch, rate.change, decision.bias.ratio))
    lowest = sorted(courses, key=lambda name: courses[name][-1].value)[:CHARTED]
    return tuple(point for name in lowest for point in courses[name])
