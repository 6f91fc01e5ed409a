"""What is older than its declared retention, without what a live model, an open decision or a batch still needs."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from perennial.clock import instant, write_instant
from perennial.erasure.recording import Cause, Request, next_number, recorded, unfinished
from perennial.erasure.unfinished import Begun, Note
from perennial.ledger.entries import (
    BatchEntry,
    BatchScored,
    Erased,
    LabelBatchEntry,
    Release,
    SegmentCollected,
)
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, former_release, newest_entries, open_question, time_of
from perennial.store.landing import suffix_of
from perennial.store.site import forget_shared
from perennial.store.tables import Name
from perennial.store.workspace import RUN, Workspace
from perennial.usecase.declaration import Declaration

BY: Cause = "retention"


@dataclass(frozen=True)
class Kept:
    """Something that is older than its retention, and why it is kept."""

    place: str
    what: str
    why: str


@dataclass(frozen=True)
class Over:
    """What is over. landings: name → its rows. tables: table → the batches whose rows go, with their number."""

    landings: dict[str, int] = field(default_factory=dict)
    tables: dict[Name, dict[str, int]] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Place → how many rows; places without any are left out."""
        landed = {"landing": sum(self.landings.values())} if self.landings else {}
        return {**landed, **{name: sum(batches.values()) for name, batches in self.tables.items()}}


@dataclass(frozen=True)
class _Aged:
    """What may be over. name: of landed bytes, or of a batch in a table. needed: why it is kept; empty if it is not."""

    name: str
    what: str
    since: datetime
    rows: int
    needed: str


def over(workspace: Workspace, declaration: Declaration, now: datetime) -> Over:
    """What is over by the use case's clock, and what is kept although it is older. now: by the machine's clock."""
    retention, usecase = declaration.retention, declaration.name
    at, needs = time_of(workspace.ledger, declaration, now), _Needs.of(workspace.ledger, usecase)
    tables: dict[Name, dict[str, int]] = {}
    kept: list[Kept] = []
    of_tables: tuple[tuple[Name, timedelta | None, Iterator[_Aged]], ...] = (
        ("predictions", retention.predictions, _predictions(workspace.ledger, usecase, needs)),
        ("quarantine", retention.quarantine, _set_aside(workspace.ledger, usecase, needs)),
    )
    for table, length, candidates in of_tables:
        rows, aged = workspace.tables.batches(usecase, table), _sorted_out(length, at, candidates)
        if gone := {each.name: rows[each.name] for each in aged.gone if each.name in rows}:
            tables[table] = gone
        kept += [Kept(table, each.what, each.needed) for each in aged.needed if each.name in rows]
    there = set(workspace.landing.names(usecase))
    aside = set(workspace.tables.batches(usecase, "quarantine")) - set(tables.get("quarantine", {}))
    aged = _sorted_out(retention.landing, at, _landings(workspace, usecase, needs, aside))
    landings = {each.name: each.rows for each in aged.gone if each.name in there}
    kept += [Kept("landing", each.what, each.needed) for each in aged.needed if each.name in there]
    return Over(landings, tables, tuple(kept))


def retain(workspace: Workspace, declaration: Declaration, now: datetime) -> tuple[Erased | None, Over]:
    """Remove what is over while no other run of the use case goes on; the record, None if nothing is over.

    Killed anywhere, the next call goes on. Raises TransientError if another run holds its turn.
    """
    usecase, tables = declaration.name, workspace.tables
    with workspace.only_one(usecase, RUN), workspace.only_one(usecase, "ingest"):
        forget_shared(workspace.files, usecase)
        due = over(workspace, declaration, now)
        number = next_number(workspace, usecase)
        former = unfinished(workspace, usecase, BY, number)
        if not due.counts and former is None:
            return None, due
        begun = Begun(number, due.tables, due.landings).with_former(former)
        Note(workspace.files, usecase, BY).begin(begun)
        for name, batches in due.tables.items():
            for batch in batches:
                tables.replace(usecase, name, batch, None)
        for name in begun.tables:
            tables.forget(usecase, name)
        for landed in due.landings:
            workspace.landing.erase(usecase, landed, None, suffix_of(landed))
        at = write_instant(time_of(workspace.ledger, declaration, now))
        request = Request(BY, BY, "stated", _declared(declaration), at)
        return recorded(workspace, usecase, begun, request), due


@dataclass(frozen=True)
class _Needs:
    """What is needed. releases: those whose predictions are, with the reason. open_batch: of a decision that waits."""

    releases: dict[int, str]
    open_batch: str | None

    @classmethod
    def of(cls, ledger: Ledger, usecase: str) -> _Needs:
        releases = [row.payload for row in ledger.all(usecase, Release)]
        live, former = current_release(ledger, usecase), former_release(releases)
        needed = {former.release_no: "a rollback would make its model live again"} if former else {}
        if live is not None:
            needed[live.release_no] = "its model is live"
        question = open_question(ledger, usecase)
        return cls(needed, question.batch if question else None)


@dataclass(frozen=True)
class _Sorted:
    gone: list[_Aged]
    needed: list[_Aged]


def _sorted_out(length: timedelta | None, at: datetime, candidates: Iterator[_Aged]) -> _Sorted:
    """Those older than `length`: what goes, and what is needed. Nothing is over if no length is declared."""
    old = [each for each in candidates if length is not None and at - each.since > length]
    needed = [each for each in old if each.needed]
    names = {each.name for each in needed}
    return _Sorted([each for each in old if each.name not in names], needed)


def _landings(workspace: Workspace, usecase: str, needs: _Needs, aside: Container[str]) -> Iterator[_Aged]:
    """aside: batches with rows set aside that stay."""
    ledger, newest = workspace.ledger, newest_entries(workspace.ledger, usecase)
    left = workspace.landing.erased(usecase)
    for batch in (row.payload for row in ledger.all(usecase, BatchEntry)):
        needed = ""
        if newest[batch.window].batch == batch.batch:
            if batch.status == "held":
                needed = "the batch is held, and may be checked again"
            elif batch.batch in aside:
                needed = "rows of it are set aside, and may be checked again"
            elif batch.window == needs.open_batch:
                needed = "a decision about it waits for a person"
        yield _Aged(
            _end(left, batch.landing), f"batch {batch.window}", instant(batch.arrived_at), batch.rows.arrived, needed
        )
    for labels in (row.payload for row in ledger.all(usecase, LabelBatchEntry)):
        needed = "the labels are held" if labels.status == "held" else ""
        rows = labels.rows + labels.refused
        yield _Aged(_end(left, labels.landing), f"labels {labels.file}", instant(labels.arrived_at), rows, needed)


def _end(left: dict[str, str], name: str) -> str:
    """The name that landed bytes have after all erasures; empty if nothing is left."""
    while name in left:
        name = left[name]
    return name


def _predictions(ledger: Ledger, usecase: str, needs: _Needs) -> Iterator[_Aged]:
    for row in ledger.all(usecase, BatchScored):
        scored = row.payload
        needed = needs.releases.get(scored.release_no, "")
        yield _Aged(
            row.key, f"batch {scored.window} by release {scored.release_no}", instant(scored.scored_at), 0, needed
        )
    for collected in (row.payload for row in ledger.all(usecase, SegmentCollected)):
        needed = next((needs.releases[number] for number in collected.releases if number in needs.releases), "")
        yield _Aged(collected.segment, f"segment {collected.segment}", instant(collected.last_at), 0, needed)


def _set_aside(ledger: Ledger, usecase: str, needs: _Needs) -> Iterator[_Aged]:
    for batch in (row.payload for row in ledger.all(usecase, BatchEntry)):
        needed = "a decision about it waits for a person" if batch.window == needs.open_batch else ""
        yield _Aged(batch.batch, f"batch {batch.window}", instant(batch.arrived_at), 0, needed)
    for labels in (row.payload for row in ledger.all(usecase, LabelBatchEntry)):
        yield _Aged(labels.batch, f"labels {labels.file}", instant(labels.arrived_at), 0, "")


def _declared(declaration: Declaration) -> str:
    kept = declaration.retention.model_dump(mode="json", exclude_none=True)
    return "older than " + ", ".join(f"{place} {length}" for place, length in kept.items())
