"""Limits on the share of rows set aside: beyond them the rest is probably biased, and the batch is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perennial.evaluation.figures import counted
from perennial.sources.batch_rows import BatchRows
from perennial.sources.plain_text import as_in_file
from perennial.usecase.declared_check import SetAsideLimits

LIMITS = "more rows set aside than"
"""The start of a limit's name, by which a person waives it."""
AT_LEAST = 10
"""Fewer rows set aside never hold a batch: a share of so few rows is not meaningful."""
COPY = "copy of row"
ACCEPTED_BEFORE = "accepted before in"
_HARMLESS = (COPY, ACCEPTED_BEFORE)
"""Reasons of rows that are accepted already in another copy, so that nothing is missing without them."""
_EXAMPLES = 3
_LOOKED_AT = 10_000
"""Rows among which examples are looked for."""
FOR_A_BATCH = "correct the source, or change the limit and check the batch again, or waive it"
FOR_LABELS = "correct the file, or change the limit; the next run takes it in"


@dataclass(frozen=True)
class Exceeded:
    """A limit that a batch exceeds. limit: its name, by which it is waived. finding: the numbers and examples."""

    limit: str
    finding: str


def exceeded(
    limits: SetAsideLimits,
    arrived: int,
    set_aside: Mapping[int, tuple[str, ...]],
    examples: Callable[[str, list[int]], list[str]],
    fix: str = FOR_A_BATCH,
) -> list[Exceeded]:
    """The limits that the rows set aside exceed.

    arrived: how many rows arrived. set_aside: row → its reasons.
    examples: (reason, some of its rows) to values that show it. fix: what a person can do.
    """
    wrong = {row: kept for row, reasons in set_aside.items() if (kept := [r for r in reasons if not _harmless(r)])}
    of = arrived - (len(set_aside) - len(wrong))
    counts = Counter(reason for reasons in wrong.values() for reason in reasons)
    findings = []
    if len(wrong) >= AT_LEAST and len(wrong) > limits.total * of:
        reason, _ = counts.most_common(1)[0]
        shown = examples(reason, [row for row, why in wrong.items() if reason in why])
        name = f"{LIMITS} {100 * limits.total:g} % in total (set_aside.total)"
        findings.append(
            Exceeded(name, _summary(len(wrong), of, f"most often {_example(reason, counts[reason], shown)}", fix))
        )
    over = [reason for reason, rows in counts.most_common() if rows >= AT_LEAST and rows > limits.per_reason * of]
    if over:
        shown = examples(over[0], [row for row, why in wrong.items() if over[0] in why])
        listed = [_example(over[0], counts[over[0]], shown), *(_example(r, counts[r], []) for r in over[1:])]
        name = f"{LIMITS} {100 * limits.per_reason:g} % for one reason (set_aside.per_reason)"
        text = "; ".join(listed)
        findings.append(Exceeded(name, text if findings else _summary(counts[over[0]], of, text, fix)))
    return findings


def examples_of(batch: BatchRows, reason: str, rows: list[int]) -> list[str]:
    """Distinct values of the column that a reason names, as the file has them; none where nothing is there."""
    column = reason.partition(": ")[0]
    if column not in batch.names:
        return []
    some = batch.taken(rows[:_LOOKED_AT])
    return list(as_in_file(some, column).dropna().drop_duplicates().head(_EXAMPLES))


def copy_of(first: int) -> str:
    """The reason of a row that is a copy of another. first: that row's position in the batch, from 0."""
    return f"{COPY} {first + 1}"


def counted_as(reason: str) -> str:
    """The words under which a row's reason is counted: all copies together."""
    return "copy of another row" if reason.startswith(COPY) else reason


def _harmless(reason: str) -> bool:
    return any(words in reason for words in _HARMLESS)


def _example(reason: str, rows: int, shown: list[str]) -> str:
    values = f", for example {', '.join(map(repr, shown))}" if shown else ""
    return f"{reason} ({counted(rows, 'row', 'rows')}{values})"


def _summary(rows: int, of: int, reasons: str, fix: str) -> str:
    return f"{rows:,} of {of:,} rows ({100 * rows / of:.3g} %), {reasons}. The rest may be biased: {fix}"
