"""What was measured on the batches before one: the reports of finished cycles, with their readings and days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from perennial.clock import EARLIEST, instant
from perennial.ledger.entries import Cycle, Day, Health, Reading
from perennial.ledger.folded import Folded
from perennial.ledger.ledger import Ledger


@dataclass(frozen=True)
class Past:
    """reports: on earlier batches, the oldest first. readings: theirs, of all channels, in that order.

    days: that were measured, in order; one that was measured twice counts once.
    """

    reports: tuple[Health, ...] = ()
    readings: tuple[Reading, ...] = ()
    days: tuple[Day, ...] = ()

    def days_since(self, since: datetime) -> tuple[Day, ...]:
        """The days that were measured on batches after that moment."""
        return past_of(each for each in self.reports if instant(each.as_of) > since).days


@dataclass
class _Taken:
    """last: until when."""

    reports: list[Health] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    days: dict[str, Day] = field(default_factory=dict)
    last: datetime = EARLIEST

    def take(self, report: Health) -> None:
        self.reports.append(report)
        self.readings += report.readings
        for reading in report.readings:
            for day in reading.days:
                self.days[day.day] = day

    def take_cycle(self, cycle: Cycle) -> None:
        self.take(cycle.health)
        self.last = max(self.last, instant(cycle.as_of))

    def past(self) -> Past:
        days = tuple(self.days[name] for name in sorted(self.days))
        return Past(tuple(self.reports), tuple(self.readings), days)


_TAKEN = Folded(Cycle, _Taken, _Taken.take_cycle)


def past_of(reports: Iterable[Health]) -> Past:
    """Of reports in the order of their batches."""
    taken = _Taken()
    for report in reports:
        taken.take(report)
    return taken.past()


def past_before(ledger: Ledger, usecase: str, as_of: datetime) -> Past:
    """Of finished cycles before that moment, in the order of writing."""
    every = _TAKEN.read(ledger, usecase, lambda taken: taken.past() if taken.last < as_of else None)
    if every is not None:
        return every
    cycles = (row.payload for row in ledger.all(usecase, Cycle))
    return past_of(cycle.health for cycle in cycles if instant(cycle.as_of) < as_of)
