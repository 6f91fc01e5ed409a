"""Pairs of columns that begin and end a period, such as that in which a row is valid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

from perennial.usecase.drafting.clocks import ALWAYS
from perennial.usecase.drafting.sample import Column

_BEGINS = ("from", "start", "started", "begin", "began", "since", "effective", "von", "ab")
_ENDS = ("to", "end", "ended", "until", "till", "thru", "expires", "expiry", "expiration", "expired", "bis")
_VALID = re.compile(r"valid|effective|expir|g(?:ü|ue)ltig", re.IGNORECASE)


@dataclass(frozen=True)
class Period:
    """begin, end: names of columns of times. of_validity: whether the names are those of versions of a row."""

    begin: str
    end: str
    of_validity: bool


def periods_in(columns: Mapping[str, Column]) -> list[Period]:
    """Pairs of times with the same name but for `from` and `to`, and the like, of which none ends before it begins."""
    times = [column for column in columns.values() if column.kind == "timestamp"]
    return [
        Period(begin.name, end.name, bool(_VALID.search(f"{begin.name} {end.name}")))
        for begin, end in permutations(times, 2)
        if _are_a_pair(begin.name, end.name) and _is_ordered(begin, end)
    ]


def question_of(period: Period) -> str:
    """What the rows may be, for a file in which nothing else is a time."""
    begin, end = period.begin, period.end
    if not period.of_validity:
        return f"'{begin}' and '{end}' are a period: answer with --time {begin}, if its start is the event"
    return (
        f"'{begin}' and '{end}' are a period of validity, so rows may be versions of something over time\n"
        f"  If each version counts as an event, answer with --time {begin}; '{end}' is then left out: it is "
        "known only later.\n"
        "  If they describe other events, join them at the source, each event with the version valid at its time."
    )


def _are_a_pair(begin: str, end: str) -> bool:
    """Whether two names differ in one word alone, which begins in the one and ends in the other."""
    words, others = (re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name) for name in (begin, end))
    differ = [(a.lower(), b.lower()) for a, b in zip(words, others, strict=False) if a.lower() != b.lower()]
    return len(words) == len(others) and len(differ) == 1 and differ[0][0] in _BEGINS and differ[0][1] in _ENDS


def _is_ordered(begin: Column, end: Column) -> bool:
    both = begin.values.notna() & end.values.notna()
    return bool(both.any()) and bool((begin.values[both] <= end.values[both]).mean() >= ALWAYS)
