"""The skew channel: are served predictions those that the training code gives, on the values that a batch has?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.evaluation.figures import counted, percent
from perennial.evaluation.intervals.wilson import wilson
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.served_again import FieldCompared, ServedAgain

if TYPE_CHECKING:
    from perennial.ledger.entries.watching import Severity
    from perennial.watching.channels.channel import Watched

FIELD_SHARE = 0.01
"""A field is skewed if the 95 % interval for the share of records with another value lies above this."""
_SHOWN = 3


def skew(again: ServedAgain) -> Found:
    """The finding. Its value is the number of predictions with other bits plus that of skewed fields; one is an alarm.

    A prediction with other bits pages, because chance cannot explain it; a skewed field warns.
    """
    skewed = [field for field in again.fields if _is_skewed(field)]
    many = len(again.differing) + len(skewed)
    if not again.recomputed and not again.fields:
        return unknown(f"No served prediction could be compared: {_refused(again)}.")
    severity: Severity = "page" if again.differing else "warning"
    parts = [_bits(again), *([_refused(again)] if again.refused else []), _fields(again, skewed)]
    return Found(float(many), 1.0, many > 0, many == 0, f"{'; '.join(part for part in parts if part)}.", severity)


def _is_skewed(field: FieldCompared) -> bool:
    return wilson(field.differing, field.rows)[0] > FIELD_SHARE


def _bits(again: ServedAgain) -> str:
    if not again.recomputed:
        return ""
    of = f"{again.recomputed:,} of {counted(again.served, 'served prediction', 'served predictions')} computed again"
    if not again.differing:
        return f"{of} by the pipeline: all have the same bits"
    more = f" and {len(again.differing) - _SHOWN:,} more" if len(again.differing) > _SHOWN else ""
    return f"{of} by the pipeline: {len(again.differing):,} differ ({', '.join(again.differing[:_SHOWN])}{more})"


def _refused(again: ServedAgain) -> str:
    return f"{counted(again.refused, 'record does', 'records do')} not fit the present declaration"


def _fields(again: ServedAgain, skewed: list[FieldCompared]) -> str:
    if not again.fields:
        return "no record has a key of this batch"
    rows = max(field.rows for field in again.fields)
    compared = f"{counted(rows, 'record', 'records')} compared with this batch's values for the same keys"
    if not skewed:
        differing = sum(field.differing for field in again.fields)
        few = f", {counted(differing, 'value differs', 'values differ')}" if differing else ""
        return f"{compared}: no field is skewed{few}"
    most = sorted(skewed, key=lambda field: (-field.differing / field.rows, field.name))[:_SHOWN]
    return f"{compared}: {'; '.join(_field(field) for field in most)}"


def _field(field: FieldCompared) -> str:
    low, high = wilson(field.differing, field.rows)
    return (
        f"{field.name} has another value in {percent(field.differing / field.rows)} "
        f"(95 % interval {percent(low)} to {percent(high)}), for example {field.example}"
    )


@dataclass(frozen=True)
class Skew:
    """The channel. It watches wherever served predictions were collected; no declaration needs to list it."""

    name: str = "skew"
    question: str = "Are served predictions those that the training code gives, on the values that a batch has?"
    statistic: str = (
        "served predictions with other bits when they are computed again, plus fields that differ from the batch with "
        "the same keys in more than 1 % of the records (Wilson 1927)"
    )
    unit: str = "predictions and fields"
    blind_to: str = "whether the predictions are right; records without a key, and keys that no batch has brought yet"
    may_retrain: bool = False
    severity: Severity = "warning"
    may_page: bool = True

    def look(self, on: Watched) -> Found:
        """What was served since the batch before."""
        again = on.served() if on.served is not None else None
        return unknown("Nothing was served since the batch before.") if again is None else skew(again)


CHANNEL = Skew()
