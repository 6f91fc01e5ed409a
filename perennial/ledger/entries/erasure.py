"""Rows that were erased at a person's request. Neither a key nor a hash of one is ever written here."""

from __future__ import annotations

from pydantic import Field

from perennial.ledger.entries.decisions import Proof
from perennial.ledger.entries.entry import Entry, Recorded


class LandingErased(Entry):
    """Landed bytes that were replaced. was, left: their names, which contain their sha256; left is empty if all went.

    rows: how many rows were erased from them.
    """

    was: str
    left: str
    rows: int


class RowsErased(Entry):
    """Rows that were erased from a batch in a table. of: how many rows the batch had there before."""

    table: str
    batch: str
    rows: int
    of: int


class Erased(Recorded):
    """An erasure, recorded after everything was removed. Key: `number`, which counts the erasures of a use case.

    by, reason: who asked for it and why; proof: how the person is known. as_of: by the use case's clock.
    files: kind of file → how many were changed.
    """

    number: int = Field(ge=1)
    by: str
    proof: Proof
    reason: str
    as_of: str
    landings: tuple[LandingErased, ...]
    rows: tuple[RowsErased, ...]
    files: dict[str, int]

    @property
    def key(self) -> str:
        return str(self.number)

    @property
    def counts(self) -> dict[str, int]:
        """Place → how many rows, or files, were erased or changed; places without any are left out."""
        counts = {"landing": sum(each.rows for each in self.landings)}
        for each in self.rows:
            counts[each.table] = counts.get(each.table, 0) + each.rows
        return {place: count for place, count in (counts | self.files).items() if count}

    @property
    def batches(self) -> tuple[str, ...]:
        """Ids of the batches that have lost accepted rows."""
        return tuple(each.batch for each in self.rows if each.table == "accepted")
