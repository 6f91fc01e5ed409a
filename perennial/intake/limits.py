"""Limits on the share of rows set aside: beyond them the remainder is likely biased, and the batch is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perennial.evaluation.figures import counted
from perennial.usecase.declared_check import SetAsideLimits

LIMITS = "more rows set aside than"
"""How a limit's name begins, by which a person waives it."""
AT_LEAST = 10
"""Fewer rows set aside hold no batch: a share of a handful says nothing."""
COPY = "copy of row"
ACCEPTED_BEFORE = "accepted before in"
_HARMLESS = (COPY, ACCEPTED_BEFORE)
"""Rows whose like is accepted already: without them nothing is missing."""


@dataclass(frozen=True)
class Exceeded:
    """A limit that a batch exceeds. limit: its name, by which it is waived. told: what was found."""

    limit: str
    told: str


def exceeded(
    limits: SetAsideLimits,
    arrived: int,
    set_aside: Mapping[int, tuple[str, ...]],
    examples: Callable[[str, list[int]], list[str]],
) -> list[Exceeded]:
    """The limits that the rows set aside exceed.

    arrived: how many rows came. set_aside: row → its reasons.
    examples: of a reason and some of its rows, the values that show it.
    """
    wrong = {row: kept for row, reasons in set_aside.items() if (kept := [r for r in reasons if not _harmless(r)])}
    of = arrived - (len(set_aside) - len(wrong))
    counts = Counter(reason for reasons in wrong.values() for reason in reasons)
    found = []
    if len(wrong) >= AT_LEAST and len(wrong) > limits.total * of:
        found.append(("in total (set_aside.total)", limits.total, len(wrong), counts.most_common(1)[0][0]))
    for reason, rows in counts.most_common():
        if rows >= AT_LEAST and rows > limits.per_reason * of:
            found.append(("for one reason (set_aside.per_reason)", limits.per_reason, rows, reason))
    return [
        Exceeded(
            f"{LIMITS} {100 * limit:g} % {where}",
            _told(rows, of, reason, counts[reason], examples(reason, [r for r, why in wrong.items() if reason in why])),
        )
        for where, limit, rows, reason in found
    ]


def copy_of(first: int) -> str:
    """The reason of a row that is a copy of another. first: that row's place in the batch, from 0."""
    return f"{COPY} {first + 1}"


def counted_as(reason: str) -> str:
    """The words under which a row's reason is counted: copies together, of whatever row."""
    return "copy of another row" if reason.startswith(COPY) else reason


def _harmless(reason: str) -> bool:
    return any(words in reason for words in _HARMLESS)


def _told(rows: int, of: int, reason: str, count: int, examples: list[str]) -> str:
    shown = f", for example {', '.join(map(repr, examples))}" if examples else ""
    return (
        f"{rows:,} of {of:,} ({100 * rows / of:.3g} %) would be, most often {reason} "
        f"({counted(count, 'row', 'rows')}){shown}. What remains is likely biased. Correct the source, or change the "
        f"limit and check the batch again, or waive it"
    )
