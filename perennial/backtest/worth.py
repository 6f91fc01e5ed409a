"""Is retraining worth it? What older models cost on a use case's own history, and the schedule that costs least."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from perennial.backtest.amount import Amount
from perennial.backtest.backtest import fitted, worth_on
from perennial.backtest.fits import Progress
from perennial.backtest.history import moments_of, read_history
from perennial.backtest.kept_worth import Growth, KeptWorth
from perennial.backtest.price import checked_price, value_of
from perennial.backtest.staleness import FEWEST_MOMENTS, FEWEST_PERIODS, Schedule, Staleness, break_even, staleness
from perennial.backtest.stream import Model
from perennial.backtest.totals import better_by
from perennial.backtest.ways import declared_way
from perennial.errors import InputError
from perennial.evaluation.figures import change, counted, figure, interval_in_words
from perennial.ledger.ledger import Ledger
from perennial.store.tables import Tables
from perennial.usecase.declaration import UseCase

MONTH = 30.0
"""Days."""


@dataclass(frozen=True)
class Worth:
    """unit: the declared value, which is a sum per month of 30 days, or the primary metric, per row.

    price: of one retraining, in the unit of the value; 0 if none is given. days: from one batch to the next, the
    median. first, last: batches. seconds: a fit takes, on average; None if all were on disk.
    """

    usecase: str
    unit: str
    in_value: bool
    price: float
    days: float
    first: str
    last: str
    measured: Staleness
    seconds: float | None


def worth(
    tables: Tables,
    ledger: Ledger,
    case: UseCase,
    folder: Path,
    now: datetime,
    *,
    price: float | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Worth:
    """Measure it up to `now`. folder, report: as in `backtest`. price: of one retraining, in the declared value.

    Raises InputError for a price below 0 or without a declared value, and if the history is too short.
    """
    value = value_of(case)
    paid = checked_price(case, price, value)
    if (there := len(moments_of(ledger, case.name, now))) < FEWEST_MOMENTS:
        raise _too_few(case.name, there)
    history = read_history(tables, ledger, case.declaration, now)
    fits, stream = fitted(tables, case, folder, history, report)
    days = float(np.median(np.diff(stream.days)))
    scale = MONTH / days if value is not None else 1.0

    def cost(model: Model, moment: int) -> float:
        one = ((model, 1.0),)
        if value is not None:
            return -worth_on(stream, value, one, moment) * scale
        return better_by(stream, stream.loss(one, moment), 0.0)

    made = staleness(stream, declared_way(case.declaration).window, cost, paid * scale)
    if made is None:
        raise _too_few(case.name, stream.moments, " with a model")
    return Worth(
        usecase=case.name,
        unit=case.declaration.primary if value is None else value.name,
        in_value=value is not None,
        price=paid,
        days=days,
        first=history.windows[-made.compared],
        last=history.windows[-1],
        measured=made,
        seconds=fits.seconds / fits.fitted if fits.fitted else None,
    )


def _too_few(usecase: str, there: int, which: str = "") -> InputError:
    return InputError(
        f"{usecase}: {counted(there, 'batch is', 'batches are')} too few to compare two schedules; it takes at least "
        f"{FEWEST_MOMENTS}{which}: each schedule needs {FEWEST_PERIODS} of its periods on the same batches",
        code="worth-too-short",
    )


def in_words(made: Worth) -> Iterator[str]:
    """The answer, how sure it is, and the price at which it would turn."""
    best, others = made.measured.best, [each for each in made.measured.schedules if each is not made.measured.best]
    first, never = made.measured.schedules[0], made.measured.schedules[-1]
    if best.every is None:
        yield "No retraining is shown to be worth its price: never retraining costs least."
    elif not never.is_proven_dearer:
        yield f"Retraining {every(best, made.days)} costs least, but it is not proven better than never retraining."
    else:
        yield f"Retraining {every(best, made.days)} costs least."
    for other in others:
        if other.above_best is None:
            continue
        by = f"{_amount(other.above_best)} {made.unit}{' a month' if made.in_value else ' a row'} more"
        sure = "" if other.is_proven_dearer else f"; {_not_proven(other)}"
        yield f"{every(other, made.days).capitalize()}: {by}{sure}."
    if made.in_value and never is not first:
        scale = MONTH / made.days
        yield (
            f"Retraining {every(first, made.days)} instead of never is worth it while one retraining costs less than "
            f"{break_even(first, never) / scale:,.4g} {made.unit}."
        )


def to_keep(made: Worth) -> KeptWorth:
    """The answer in words, for a page, and what orders the refits of a fleet."""
    schedules = tuple((every(each, made.days), *shown(each.total)) for each in made.measured.schedules)
    return KeptWorth(
        on=measured_on(made), answer=tuple(in_words(made)), schedules=schedules, growth=_growth_by_day(made)
    )


def _growth_by_day(made: Worth) -> Growth | None:
    growth = made.measured.growth
    if growth.low is None or growth.high is None:
        return None
    a_day, low, high = (each / made.days for each in (growth.value, growth.low, growth.high))
    return Growth(unit=made.unit, a_row=not made.in_value, a_day=a_day, low=low, high=high)


def measured_on(made: Worth) -> str:
    """On which batches, and in which unit."""
    on = counted(made.measured.compared, "batch", "batches")
    unit = f"{made.unit} a month" if made.in_value else f"{made.unit} a row"
    priced = f" at {made.price:,.4g} a retraining" if made.price else ""
    return f"schedules compared on {made.first} to {made.last} ({on}), in {unit}{priced}."


def _not_proven(other: Schedule) -> str:
    if other.more is None:
        return "not proven, and many more batches of this kind would not show it"
    return f"not proven yet; about {counted(other.more, 'more batch', 'more batches')} would show it"


def every(schedule: Schedule, days: float) -> str:
    """A schedule in words: `after each batch`, `every 3 batches (91 days)`, `never`."""
    if schedule.every is None:
        return "never"
    if schedule.every == 1:
        return f"after each batch ({days:.0f} days)"
    return f"every {schedule.every} batches ({schedule.every * days:.0f} days)"


def _amount(amount: Amount) -> str:
    if amount.low is None or amount.high is None:
        return change(amount.value)
    return f"{change(amount.value)} ({interval_in_words(amount.low, amount.high, change)})"


def shown(amount: Amount) -> tuple[str, str]:
    """An amount and its interval for two columns; 0 is what the newest model costs, by definition."""
    if amount.value == amount.low == amount.high == 0:
        return "0", "the newest model"
    if amount.low is None or amount.high is None:
        return figure(amount.value, 4), "unknown"
    return figure(amount.value, 4), f"{change(amount.low)} to {change(amount.high)}"
