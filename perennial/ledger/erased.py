"""Which rows were erased, by the record."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from perennial.evaluation.figures import enumerated
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Erased, Trigger

if TYPE_CHECKING:
    from perennial.ledger.ledger import Ledger

_EVENT = "erasure-"


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
    of = sum(batch.rows.accepted for batch in batches)
    return f"{rows:,} of {of:,} rows {'was' if rows == 1 else 'were'} erased by {by}"


def erased_by_all(ledger: Ledger, usecase: str) -> str:
    """What all erasures took: `3 rows were erased by erasure 1; the files of version 2 were removed by erasure 1`."""
    rows = sum(erased_rows(ledger, usecase, "accepted").values())
    numbers = [f"erasure {each.number}" for each in erasures(ledger, usecase) if each.rows]
    of_rows = f"{rows:,} {'row was' if rows == 1 else 'rows were'} erased by {enumerated(numbers)}" if rows else ""
    return "; ".join(part for part in (of_rows, removed_models(ledger, usecase)) if part)


def erased_since(ledger: Ledger, usecase: str, position: int) -> str:
    """Erasures of rows behind a position of the chain: `rows were erased since by erasure 2`; empty if none were."""
    later = [row.payload for row in ledger.all(usecase, Erased) if row.position > position and row.payload.rows]
    return f"rows were erased since by {enumerated([f'erasure {each.number}' for each in later])}" if later else ""


def removed_models(ledger: Ledger, usecase: str) -> str:
    """Models whose files were removed: `the files of version 2 were removed by erasure 1`; empty if none were."""
    removed = [
        f"the files of version {model.version} were removed by erasure {erased.number}"
        for erased in erasures(ledger, usecase)
        for model in erased.models
        if not model.now and not model.in_use
    ]
    return enumerated(removed) if removed else ""


def digests_now(ledger: Ledger, usecase: str) -> dict[str, str]:
    """Digest of a model's bytes as registered → as an erasure has left them; those that did not change are left out."""
    now: dict[str, str] = {}
    for model in (each for erased in erasures(ledger, usecase) for each in erased.models):
        if model.now and model.now != model.was:
            now = {was: model.now if is_now == model.was else is_now for was, is_now in now.items()}
            now.setdefault(model.was, model.now)
    return now


def after_erasure(number: int) -> Trigger:
    """Why a model is trained without the rows of an erasure."""
    return Trigger(kind="event", event=f"{_EVENT}{number}", detail=f"erasure {number} removed training rows")


def by_erasure(trigger: Trigger) -> str:
    """The number of the erasure because of which a model is trained; empty for any other reason."""
    event = trigger.event or ""
    return event.removeprefix(_EVENT) if event.startswith(_EVENT) else ""


def trained_without(challenger: ChallengerEntry) -> str:
    """A sentence about a model that was trained because of an erasure; empty for any other."""
    number = by_erasure(challenger.trigger)
    version = challenger.model.version
    return f"Version {version} was trained without the rows that erasure {number} removed." if number else ""


def unlearned_erasure(ledger: Ledger, usecase: str) -> int | None:
    """The newest erasure of rows that a model in use has learned, if a model without them is wanted; else None."""
    newest = next((row for row in reversed(ledger.all(usecase, Erased)) if row.payload.asks_for_training), None)
    trained = max((row.position for row in ledger.all(usecase, ChallengerEntry)), default=0)
    return newest.payload.number if newest is not None and newest.position > trained else None
