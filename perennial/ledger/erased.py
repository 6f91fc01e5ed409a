"""Which rows were erased, by the record."""

from __future__ import annotations

from collections.abc import Collection

from perennial.evaluation.figures import enumerated
from perennial.ledger.entries import BatchEntry, Erased
from perennial.ledger.ledger import Ledger


def erasures(ledger: Ledger, usecase: str) -> list[Erased]:
    """All erasures of a use case, the oldest first."""
    return [row.payload for row in ledger.all(usecase, Erased)]


def erased_rows(ledger: Ledger, usecase: str, table: str) -> dict[str, int]:
    """Batch → how many of its rows in a table were erased; batches without any are left out."""
    rows: dict[str, int] = {}
    for each in (rows_ for erased in erasures(ledger, usecase) for rows_ in erased.rows):
        if each.table == table and each.rows:
            rows[each.batch] = rows.get(each.batch, 0) + each.rows
    return rows


def erased_among(ledger: Ledger, usecase: str, batches: Collection[BatchEntry]) -> str:
    """`3 of 28,330 rows were erased by erasure 1`, of the accepted rows of these batches; empty if none were."""
    ids = {batch.batch for batch in batches}
    numbers = [each.number for each in erasures(ledger, usecase) if ids & set(each.batches)]
    rows = sum(count for batch, count in erased_rows(ledger, usecase, "accepted").items() if batch in ids)
    if not rows:
        return ""
    by = enumerated([f"erasure {number}" for number in numbers])
    return f"{rows:,} of {sum(batch.rows.accepted for batch in batches):,} rows were erased by {by}"
