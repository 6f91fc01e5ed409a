"""Rows that were erased at a person's request. Neither a key nor a hash of one is ever written here."""

from __future__ import annotations

from typing import Literal

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


class ModelErased(Entry):
    """A model that was trained on erased rows, or whose files had their texts.

    was, now: digests of its bytes, which differ if texts in its files were replaced; now is empty if the files were
    removed, or were gone. learned: whether it may have learned from erased rows. keeps_rows: whether its files still
    have rows that it was trained on. in_use: whether it was live, waited, or a rollback would have brought it back.
    """

    version: int
    challenger: str
    was: str
    now: str
    learned: bool
    keeps_rows: bool
    in_use: bool


class Erased(Recorded):
    """An erasure, recorded after everything was removed. Key: `number`, which counts the erasures of a use case.

    because: whether a person asked for it, or the declared retention of something is over. by, reason: who asked for it
    and why; proof: how the person is known. as_of: by the use case's clock.
    files: kind of file → how many were changed. models: those that are concerned. then: what happens with the ones in
    use, `retrain` at the next cycle or `keep`, for the reason in `kept_because`. stays: kind of row of the ledger → how
    many have a value of the rows, which cannot be removed.
    """

    number: int = Field(ge=1)
    because: Literal["asked", "retention"] = "asked"
    by: str
    proof: Proof
    reason: str
    as_of: str
    landings: tuple[LandingErased, ...]
    rows: tuple[RowsErased, ...]
    files: dict[str, int]
    models: tuple[ModelErased, ...] = ()
    then: Literal["retrain", "keep"] = "retrain"
    kept_because: str = ""
    stays: dict[str, int] = Field(default_factory=dict)

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
    def asks_for_training(self) -> bool:
        """Whether the next cycle is to train a model without the rows."""
        return self.then == "retrain" and any(model.learned and model.in_use for model in self.models)

    @property
    def batches(self) -> tuple[str, ...]:
        """Ids of the batches that have lost accepted rows."""
        return tuple(each.batch for each in self.rows if each.table == "accepted")
