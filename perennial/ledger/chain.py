"""The hash chain of a use case: every row holds the hash of the previous one, so a changed past is detected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select

from perennial.errors import InputError, LedgerBroken
from perennial.identity import digest
from perennial.ledger.migrations.tables import entries

GENESIS = "0" * 64


@dataclass(frozen=True)
class Head:
    """The end of a chain, as noted earlier. hash: its first digits, at least eight."""

    position: int
    hash: str


def parse_head(text: str) -> Head:
    """`62:37a6b01e…` as a `Head`. Raises InputError."""
    match = re.fullmatch(r"([1-9][0-9]{0,9}):([0-9a-f]{8,64})…?", text.strip())
    if match is None:
        raise InputError(
            f"{text!r} is not a valid head: write the row number, a colon and at least eight digits of its hash, "
            "as shown in the status of a use case",
            code="head-invalid",
            field="head",
            value=text,
        )
    return Head(int(match[1]), match[2])


def follow(connection: Connection, usecase: str, first: int, last: int | None) -> int:
    """Check each row from `first` to `last` and its link to the previous one. Returns the last position."""
    of_chain = (entries.c.usecase == usecase, entries.c.position >= first - 1)
    until = () if last is None else (entries.c.position <= last,)
    rows = iter(connection.execute(select(entries).where(*of_chain, *until).order_by(entries.c.position)))
    before = next(rows, None) if first > 1 else None
    if first > 1 and (before is None or before.position != first - 1):
        raise _missing(usecase, first - 1, before.position if before else None)
    previous, place = before.hash if before else GENESIS, first - 1
    for place, row in enumerate(rows, start=first):
        if row.position != place or row.previous_hash != previous:
            raise _missing(usecase, place, row.position)
        if not _is_intact(row._fields, tuple(row)):
            raise LedgerBroken(
                f"{usecase}: row {place} of the ledger ({row.kind} {row.key}) was changed after it was "
                f"written. Restore the ledger from a backup; nothing is released until then."
            )
        previous = row.hash
    if last is not None and place != last:
        raise _missing(usecase, place + 1, None)
    return place


@lru_cache(maxsize=8 * 1024)
def _is_intact(names: tuple[str, ...], values: tuple[Any, ...]) -> bool:
    """Whether a row has the hash of its content. Cached by the whole content: only rows not seen before are hashed."""
    row = dict(zip(names, values, strict=True))
    return digest({name: value for name, value in row.items() if name not in ("id", "hash")}) == str(row["hash"])


def require_head(connection: Connection, usecase: str, head: Head, rows: int) -> None:
    """Raise LedgerBroken unless the chain, which has `rows` rows, still contains a head that was noted earlier."""
    present = connection.execute(
        select(entries.c.hash).where(entries.c.usecase == usecase, entries.c.position == head.position)
    ).scalar()
    if present is None:
        raise LedgerBroken(
            f"{usecase}: the ledger was truncated: it ends at row {rows}, but row {head.position} with hash "
            f"{head.hash} existed before. Restore the ledger from a backup."
        )
    if not present.startswith(head.hash):
        raise LedgerBroken(
            f"{usecase}: row {head.position} of the ledger has the hash {present}, but it was {head.hash} "
            f"before: the chain was rewritten. Restore the ledger from a backup."
        )


def _missing(usecase: str, place: int, position: int | None) -> LedgerBroken:
    at = "nothing" if position is None else f"position {position}"
    return LedgerBroken(
        f"{usecase}: row {place} of the ledger is missing or out of order (found {at}). "
        f"Restore the ledger from a backup; nothing is released until then."
    )
