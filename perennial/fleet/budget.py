"""Which refits of a fleet come first, and which wait, if one run has no time for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from perennial.backtest.kept_worth import Growth
from perennial.clock import instant
from perennial.fleet.day_costs import DayCosts, day_costs
from perennial.ledger.entries import Postponed

_SHORTEST = 1e-3


@dataclass(frozen=True)
class DueRefit:
    """A refit that is due. budget: of its template, in seconds for one run.

    age_days: since the newest model was trained; rows: of the newest batch, as an estimate of those to come; seconds:
    that the last fit took; age_days and seconds are None before the first fit. refresh_after_days: as declared.
    asked: whether a person, an event or an alarm requests it. growth: of its cost with age, None if not measured.
    """

    usecase: str
    template: str
    budget: float
    age_days: float | None
    rows: int
    seconds: float | None
    refresh_after_days: float
    asked: bool
    growth: Growth | None

    @property
    def cannot_wait(self) -> bool:
        """Whether it is run whatever the budget: a first fit, one that is requested, and one that is overdue."""
        return self.asked or self.age_days is None or self.age_days >= self.refresh_after_days

    def value(self, costs: DayCosts | None) -> float:
        """What a refit saves on the rows to come, for each second of the fit.

        What a model costs grows with its age: by what is measured, or by the same for each row of all members.
        """
        days_a_second = (self.age_days or 0.0) / max(self.seconds or 0.0, _SHORTEST)
        if costs is None:
            return days_a_second * self.rows
        return days_a_second * costs.of[self.usecase] * (self.rows if costs.a_row else 1)


@dataclass(frozen=True)
class Refits:
    """order: of all refits, those that are not run at the end of their template. postponed: the latter.

    seconds: template → planned for those that are run.
    """

    order: tuple[str, ...]
    postponed: Mapping[str, Postponed]
    seconds: Mapping[str, float]


def plan_refits(due: Iterable[DueRefit], spent: Mapping[str, float]) -> Refits:
    """What fits into the budget of each template. spent: template → seconds that this run has planned already.

    Those that cannot wait come first, first fits before the oldest model, and count too. Of the others each is run if
    its last fit was no longer than what is left, in the order of `value`, equal ones as if nothing was measured,
    then by name.
    """
    order: list[str] = []
    postponed: dict[str, Postponed] = {}
    seconds: dict[str, float] = {}
    for template, members in groupby(sorted(due, key=_template), key=_template):
        alike, before = list(members), spent.get(template, 0.0)
        costs = day_costs({each.usecase: each.growth for each in alike})
        ordered = sorted(alike, key=lambda each: _in_order(each, costs))
        planned, waiting = 0.0, {}
        for rank, each in enumerate(ordered, 1):
            took = each.seconds or 0.0
            if each.cannot_wait or before + planned + took <= each.budget:
                order.append(each.usecase)
                planned += took
            else:
                waiting[each.usecase] = Postponed(
                    rank=rank,
                    due=len(ordered),
                    seconds=took,
                    planned_seconds=before + planned,
                    budget_seconds=each.budget,
                    day_costs=costs.of[each.usecase] if costs else None,
                )
        order += waiting
        postponed |= waiting
        seconds[template] = planned
    return Refits(tuple(order), postponed, seconds)


def still_waits(postponed: object, cycle_at: str, trained_at: str | None) -> bool:
    """Whether the refit of a cycle had to wait, and nothing was trained since.

    postponed: as the cycle has it, None if nothing waited. cycle_at, trained_at: `as_of` of the cycle and of the newest
    challenger.
    """
    return postponed is not None and (trained_at is None or instant(trained_at) < instant(cycle_at))


def _template(each: DueRefit) -> str:
    return each.template


def _in_order(each: DueRefit, costs: DayCosts | None) -> tuple[bool, bool, float, float, str]:
    if each.cannot_wait:
        return False, each.age_days is not None, -(each.age_days or 0.0), 0.0, each.usecase
    return True, True, -each.value(costs), -each.value(None), each.usecase
