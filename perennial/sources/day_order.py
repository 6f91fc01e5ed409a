"""Dates such as 03/04/2024 that only make sense with day and month the other way round than declared.

A file has one order, and with days up to 12 both can be read. What shows the wrong one is where the dates then lie:
consecutive days become the same day of many months.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from perennial.sources.dates import SLASHED
from perennial.sources.times import read_times
from perennial.sources.value_texts import is_text, without_nulls
from perennial.sources.written import Written

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST_BEFORE = 3
"""With fewer files or batches it is unknown how far apart they usually are."""
TIMES_AS_LONG = 3
DAY = timedelta(days=1)

Stretch = tuple[datetime, datetime]
"""The first and the last time of some rows."""


@dataclass(frozen=True)
class BothOrders:
    """A column whose dates can all be read with day and month the other way round, which gives other days.

    day_first: of that other order. example: a date that the declared order cannot read, otherwise the first one.
    declared: of the dates that the declared order can read; None if those are at most half of them, since a few
    unreadable ones may be mistyped.
    """

    day_first: bool
    example: str
    declared: Stretch | None
    other: Stretch

    @property
    def words(self) -> str:
        """How to read the dates, and what that gives.

        >>> march = datetime(2026, 3, 1), datetime(2026, 3, 9)
        >>> BothOrders(False, "03/01/2026", (datetime(2026, 1, 3), datetime(2026, 9, 3)), march).words
        "dates like '03/01/2026' are from 2026-03-01 to 2026-03-09 with day_first: false, and from 2026-01-03 to \
2026-09-03 as declared"
        """
        as_declared = (
            "mostly cannot be read as declared" if self.declared is None else f"{_from_to(self.declared)} as declared"
        )
        way = f"day_first: {str(self.day_first).lower()}"
        return f"dates like {self.example!r} are {_from_to(self.other)} with {way}, and {as_declared}"


def both_orders(column: pa.ChunkedArray, timezone: str, how: Written) -> BothOrders | None:
    """A column's dates by both orders; None if no order is declared, or the other one is impossible or the same."""
    import pyarrow.compute as pc

    if how.dates.day_first is None or not is_text(column):
        return None
    texts = without_nulls(column.unique(), how.nulls)
    texts = texts.filter(pc.match_substring_regex(texts, SLASHED).fill_null(False))
    if not len(texts):
        return None
    swapped = replace(how.dates, day_first=not how.dates.day_first)
    other, _ = read_times(texts, timezone, swapped)
    declared, _ = read_times(texts, timezone, how.dates)
    if other.null_count or other.equals(declared):
        return None
    lost = texts.filter(pc.is_null(declared))
    example = (lost if len(lost) else texts)[0].as_py()
    as_declared = None if 2 * len(lost) >= len(texts) else _stretch(declared)
    return BothOrders(bool(swapped.day_first), example, as_declared, _stretch(other))


def next_is_other(both: BothOrders, ends: Sequence[datetime]) -> bool:
    """Whether a batch's dates come next after those before it in the other order, and do not as declared.

    ends: of the batches before, in any order. False if those are too few to know how far apart they are.
    """
    if both.declared is None:
        return True
    last, step = _last_and_step(ends)
    if step is None:
        return False
    around = last - step, last + 2 * step
    return _inside(both.other, around) and not _inside(both.declared, around)


def spread_is_other(both: BothOrders, others: Sequence[Stretch]) -> bool:
    """Whether a file's dates are spread unlike all other files as declared, and like those in the other order.

    Spread: far longer than the longest of the others, or beyond all of them, where the other order comes next.
    """
    if both.declared is None or len(others) < FEWEST_BEFORE:
        return False
    longest = max(DAY, *(last - first for first, last in others))
    if _length(both.declared) > TIMES_AS_LONG * longest >= TIMES_AS_LONG * _length(both.other):
        return True
    last, step = _last_and_step([last for _, last in others])
    if step is None:
        return False
    known = min(first for first, _ in others) - 2 * step, last + 2 * step
    return _inside(both.other, (last, last + 2 * step)) and not _inside(both.declared, known)


def _last_and_step(ends: Sequence[datetime]) -> tuple[datetime, timedelta | None]:
    """The newest end, and how far apart ends usually are: at least a day."""
    ordered = sorted(ends)
    if len(ordered) < FEWEST_BEFORE:
        return ordered[-1] if ordered else datetime.max, None
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(ordered)]
    return ordered[-1], max(DAY, timedelta(seconds=median(gaps)))


def _stretch(instants: pa.Array) -> Stretch:
    import pyarrow.compute as pc

    ends = pc.min_max(instants)
    return ends["min"].as_py(), ends["max"].as_py()


def _length(stretch: Stretch) -> timedelta:
    return stretch[1] - stretch[0]


def _inside(stretch: Stretch, around: Stretch) -> bool:
    return around[0] <= stretch[0] and stretch[1] <= around[1]


def _from_to(stretch: Stretch) -> str:
    return f"from {stretch[0]:%Y-%m-%d} to {stretch[1]:%Y-%m-%d}"
