"""Erase the rows of keys from every place of a home, then record it. Killed anywhere, the same call goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perennial.clock import write_instant
from perennial.erasure.keys import Keys
from perennial.erasure.landed import LandedRows, erase_from_landing, rows_in_landing
from perennial.erasure.tabled import Found, erase_from_tables, rows_in_tables
from perennial.erasure.unfinished import Begun, Note
from perennial.ledger.entries import Erased, LandingErased, RowsErased
from perennial.ledger.erased import erasures
from perennial.ledger.present import time_of
from perennial.release.approvals import Person
from perennial.store.tables import Tables
from perennial.store.workspace import RUN, Workspace


@dataclass(frozen=True)
class Here:
    """What a home has of the keys."""

    landed: list[LandedRows]
    tables: Found

    @property
    def counts(self) -> dict[str, int]:
        """Place → how many rows or files; places without any are left out."""
        landed = sum(each.rows for each in self.landed)
        counts: dict[str, int] = {"landing": landed} if landed else {}
        return counts | {name: sum(batches.values()) for name, batches in self.tables.items()}


def what_is_here(workspace: Workspace, keys: Keys) -> Here:
    """Look in every place. Nothing is changed."""
    return Here(rows_in_landing(workspace.landing, workspace.ledger, keys), rows_in_tables(workspace.tables, keys))


def erase_keys(workspace: Workspace, keys: Keys, person: Person, reason: str, now: datetime) -> Erased | None:
    """Erase the keys while no other run of the use case goes on; None if nothing is here and nothing is unfinished.

    now: by the machine's clock. Raises TransientError if another run holds its turn.
    """
    usecase = keys.declaration.name
    with (
        workspace.only_one(usecase, RUN),
        workspace.only_one(usecase, "ingest"),
        workspace.only_one("served", "collect"),
    ):
        as_of = time_of(workspace.ledger, keys.declaration, now)
        return _erase(workspace, keys, what_is_here(workspace, keys), person, reason, as_of)


def _erase(workspace: Workspace, keys: Keys, here: Here, person: Person, reason: str, as_of: datetime) -> Erased | None:
    usecase, ledger = keys.declaration.name, workspace.ledger
    note = Note(workspace.settings.erasing, usecase)
    number = len(erasures(ledger, usecase)) + 1
    former = note.read()
    if former is not None and former.number < number:  # it was recorded, and killed before the note was removed
        note.end()
        former = None
    if not here.counts and former is None:
        return None
    begun = _begun(workspace.tables, usecase, number, here).with_former(former)
    note.begin(begun)
    for landed in here.landed:
        erase_from_landing(workspace.landing, usecase, landed)
    erase_from_tables(workspace.tables, keys, here.tables)
    for name in begun.tables:
        workspace.tables.forget(usecase, name)
    entry = Erased(
        number=number,
        by=person.name,
        proof=person.proof,
        reason=reason,
        as_of=write_instant(as_of),
        landings=_landings(workspace, usecase, begun),
        rows=_rows(workspace.tables, usecase, begun),
        files={},
    )
    row, _ = ledger.append(usecase, entry)
    note.end()
    return row.payload


def _begun(tables: Tables, usecase: str, number: int, here: Here) -> Begun:
    before = {
        name: {batch: tables.count(usecase, name, batch) for batch in batches} for name, batches in here.tables.items()
    }
    return Begun(number, before, {each.name: each.rows for each in here.landed})


def _landings(workspace: Workspace, usecase: str, begun: Begun) -> tuple[LandingErased, ...]:
    left = workspace.landing.erased(usecase)
    return tuple(LandingErased(was=name, left=left[name], rows=rows) for name, rows in sorted(begun.landings.items()))


def _rows(tables: Tables, usecase: str, begun: Begun) -> tuple[RowsErased, ...]:
    return tuple(
        RowsErased(table=name, batch=batch, rows=before - tables.count(usecase, name, batch), of=before)
        for name, batches in sorted(begun.tables.items())
        for batch, before in sorted(batches.items())
    )
