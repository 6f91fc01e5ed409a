"""What was set aside or held, why, and which checks a person may waive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perennial.errors import InputError
from perennial.intake.limits import LIMITS
from perennial.intake.plausible import FAR_WINDOW, OTHER_ORDER
from perennial.ledger.entries import BatchEntry
from perennial.our_columns import RAW, REASONS, ROW
from perennial.store.tables import Tables


@dataclass(frozen=True)
class AsideRow:
    """A row that was set aside. row: its position in the batch, from 0. raw: column → text as it arrived."""

    row: int
    reasons: tuple[str, ...]
    raw: dict[str, str | None]


@dataclass(frozen=True)
class FailedCheck:
    """A critical check that failed on a batch. waivable: whether it is a declared one.

    The standing checks (columns, types, keys, times) are what tables and statistics rely on.
    """

    reason: str
    waivable: bool


def open_still(batches: Sequence[BatchEntry]) -> list[BatchEntry]:
    """The newest entry of each window that is held or has rows set aside, in the order of first arrival."""
    newest = {batch.window: batch for batch in batches}
    return [batch for batch in newest.values() if batch.status == "held" or batch.rows.quarantined]


def rows_aside(tables: Tables, usecase: str, batch: BatchEntry) -> list[AsideRow]:
    """The rows of a batch that were set aside, in the order of arrival."""
    return aside_of(tables, usecase, batch.batch) if batch.rows.quarantined else []


def aside_of(tables: Tables, usecase: str, batch: str) -> list[AsideRow]:
    """The rows of a batch or a label batch, by its id, that were set aside, in the order of arrival."""
    table = tables.read(usecase, "quarantine", [batch])
    rows = table.select([ROW, REASONS, RAW]).to_pylist() if table is not None else []
    aside = [AsideRow(r[ROW], tuple(json.loads(r[REASONS])), json.loads(r[RAW])) for r in rows]
    return sorted(aside, key=lambda each: each.row)


def failed_checks(results: Sequence[dict[str, Any]]) -> list[FailedCheck]:
    """The critical checks that failed, of a batch's `Validations`."""
    failed = [r for r in results if r["severity"] == "critical" and not r["success"]]
    return [
        FailedCheck(reason, waivable) for reason, waivable in {r["reason"]: not r["standing"] for r in failed}.items()
    ]


def waivable_holds(batch: BatchEntry) -> list[FailedCheck]:
    """Waivable reasons for holding a batch other than checks: limits on rows set aside, a far-off window, dates."""
    names = [held.partition(": ")[0] for held in batch.held_because]
    return [FailedCheck(name, True) for name in names if name.startswith((LIMITS, FAR_WINDOW, OTHER_ORDER))]


def waivable(failed: Sequence[FailedCheck], batch: BatchEntry) -> list[str]:
    """The failed checks that a person may waive on a batch; none if a standing check holds it.

    Waiving would then change nothing: a batch without a column that models need stays held.
    """
    standing = ("columns are missing", *(check.reason for check in failed if not check.waivable))
    if any(reason.startswith(standing) for reason in batch.held_because):
        return []
    return [check.reason for check in failed if check.waivable]


def checks_to_waive(asked: Sequence[str], failed: Sequence[FailedCheck], batch: BatchEntry) -> tuple[str, ...]:
    """The full reasons meant by `asked`, each given by its first words; if nothing is asked, the only one there is.

    A check that was already waived for these bytes may be asked for again, so that a repeated waiver changes nothing.

    Raises InputError with the failed checks if words match none or several, or a check that cannot be waived.
    """
    fresh = waivable(failed, batch)
    may = [*fresh, *batch.waived]
    listed = "".join(f"\n    {reason}" for reason in may) or "\n    none"
    if not may:
        reasons = "; ".join([*batch.held_because, *(r.reason for r in batch.quarantine)]) or "no check failed"
        raise InputError(
            f"nothing of {batch.window} can be waived: {reasons}\n"
            "  Only declared checks can be waived. Correct the data at its source; the next run ingests it.",
            code="check-unclear",
            field="batch",
        )
    if not asked and len(fresh) > 1:
        raise InputError(
            f"{len(fresh)} checks failed on {batch.window}; name one by its first words:{listed}",
            code="check-unclear",
            field="check",
        )
    chosen = []
    for words in asked or fresh or batch.waived:
        fitting = [reason for reason in may if reason.startswith(words)]
        if any(check.reason.startswith(words) and not check.waivable for check in failed) and not fitting:
            raise InputError(
                f"{words!r} cannot be waived. These checks can:{listed}",
                code="check-unclear",
                field="check",
            )
        if len(fitting) != 1:
            raise InputError(
                f"{words!r} matches {len(fitting)} of the checks that can be waived:{listed}",
                code="check-unclear",
                field="check",
            )
        chosen.append(fitting[0])
    return tuple(sorted(set(chosen)))
