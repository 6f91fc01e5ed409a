"""How groups of persons are treated, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perennial.evaluation.bias import words
from perennial.evaluation.bias.results import SELECTION_RATE
from perennial.ledger.entries import Decision
from perennial.page.watching import Point

CHARTED = 12
"""How many ratios are drawn, those that are newest nearest to their limit or beyond it; all are in the table."""


@dataclass(frozen=True)
class GroupsView:
    """The newest report: what is compared, its tables, what the public ratios are, their table; and ratios over time.

    of: the batch of the decision that has the report.
    """

    of: str
    summary: str
    columns: tuple[str, ...]
    rates: words.Cells
    gated_columns: tuple[str, ...]
    gated: words.Cells
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
        gated_columns=words.GATED,
        gated=words.gated(newest),
        about_impact=words.about_impact(newest),
        impact_columns=words.IMPACT,
        impact=words.impact(newest),
        courses=_courses(decisions),
    )


def _courses(decisions: Sequence[Decision]) -> tuple[Point, ...]:
    """The gated ratios of each group in each decision that has them, with their limits."""
    courses: dict[str, list[Point]] = {}
    beyond: dict[str, float] = {}
    for decision in decisions:
        for column, group in decision.bias.groups if decision.bias else ():
            for each in group.measures:
                if decision.bias is None or each.name not in decision.bias.gates or not each.is_ratio:
                    continue
                if each.change is not None:
                    limit = decision.bias.ratio if each.limit is None else each.limit
                    of = "" if each.name == SELECTION_RATE else f", {each.name.replace('_', ' ')}"
                    name = f"{column.by} {group.value}{of}"
                    courses.setdefault(name, []).append(Point(name, decision.batch, each.change, limit))
                    beyond[name] = limit - each.change if each.worse == "higher" else each.change - limit
    nearest = sorted(courses, key=lambda name: beyond[name])[:CHARTED]
    return tuple(point for name in nearest for point in courses[name])
