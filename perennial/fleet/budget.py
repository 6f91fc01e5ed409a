"""Which refits of a fleet come first, and which wait, if one run has no time for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perennial.ledger.entries import Postponed

_SHORTEST = 1e-3


@dataclass(frozen=True)
class DueRefit:
    """A refit that is due. budget: of its template, in seconds for one run.

    age_days: since the newest model was trained; rows: of the newest batch, as an estimate of those to come; seconds:
    that the last fit took. Each is None before the first fit. refresh_after_days: as declared.
    asked: whether a person, an event or an alarm requests it.
    """

    usecase: str
    template: str
    budget: float
    age_days: float | None
    rows: int
    seconds: float | None
    refresh_after_days: float
    asked: bool

    @property
    def cannot_wait(self) -> bool:
        """Whether it is run whatever the budget: a first fit, one that is requested, and one that is overdue."""
        return self.asked or self.age_days is None or self.age_days >= self.refresh_after_days

    @property
    def value(self) -> float:
        """By which refits are ordered: the age times the rows to come, for each second of the fit.

        What a model costs grows with its age, and each row bears it.
        """
        return (self.age_days or 0.0) * self.rows / max(self.seconds or 0.0, _SHORTEST)


@dataclass(frozen=True)
class Refits:
    """order: of those that are run. postponed: those that wait for a later run. seconds: planned for the others."""

    order: tuple[str, ...]
    postponed: Mapping[str, Postponed]
    seconds: float


def plan_refits(due: Sequence[DueRefit], spent: float) -> Refits:
    """What fits into the budget of a template. due: of its members. spent: seconds that this run has planned already.

    Those that cannot wait come first, first fits before the oldest model, and count too. Of the others each is run if
    its last fit was no longer than what is left, in the order of `value`, equal ones by name.
    """
    first = sorted((each for each in due if each.cannot_wait), key=_oldest_first)
    others = sorted((each for each in due if not each.cannot_wait), key=lambda each: (-each.value, each.usecase))
    order, postponed = [each.usecase for each in first], {}
    planned = sum(each.seconds or 0.0 for each in first)
    for rank, each in enumerate(others, len(first) + 1):
        seconds = each.seconds or 0.0
        if spent + planned + seconds <= each.budget:
            order.append(each.usecase)
            planned += seconds
        else:
            postponed[each.usecase] = Postponed(
                rank=rank, due=len(due), seconds=seconds, planned_seconds=spent + planned, budget_seconds=each.budget
            )
    return Refits(tuple(order), postponed, planned)


def _oldest_first(each: DueRefit) -> tuple[bool, float, str]:
    return each.age_days is not None, -(each.age_days or 0.0), each.usecase
