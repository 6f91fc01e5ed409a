"""A dossier: everything that the record proves and people stated about a use case, in the nine points of Annex IV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perennial.governance.annex_iv import POINTS
from perennial.governance.items import Item, stated
from perennial.governance.of_development import development
from perennial.governance.of_system import control, general, metrics
from perennial.governance.of_time import changes, monitoring
from perennial.governance.records import Records
from perennial.governance.risks import Gone, gone, risk_items


@dataclass(frozen=True)
class Chapter:
    """One point. number: from 1. quote: of Annex IV."""

    number: int
    title: str
    quote: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Gap:
    """Something that a complete dossier needs and that is not there.

    field: where to write it; empty for what comes from the record.
    """

    chapter: int
    name: str
    field: str
    why: str


@dataclass(frozen=True)
class Dossier:
    """subject: what it is about, empty before the first release. head: of the ledger that it was made from.

    gone: risks whose measure no longer exists.
    """

    usecase: str
    subject: str
    head: str
    recorded_at: str
    chapters: tuple[Chapter, ...]
    gone: tuple[Gone, ...]

    @property
    def about(self) -> str:
        """The subject, for the name of a folder."""
        return self.subject or "not-released"

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing, in the order of the chapters; what two chapters need is listed once."""
        first: dict[str, Gap] = {}
        every = (
            Gap(chapter.number, item.name, item.field, " ".join(item.text))
            for chapter in self.chapters
            for item in chapter.items
            if item.is_missing
        )
        for gap in every:
            first.setdefault(gap.field or gap.name, gap)
        return tuple(first.values())


def dossier_of(records: Records) -> Dossier:
    """Everything in the order of Annex IV."""
    newest = records.newest
    items = _items(records)
    return Dossier(
        usecase=records.declaration.name,
        subject=records.subject.name if records.subject else "",
        head=newest.head if newest else "",
        recorded_at=newest.recorded_at if newest else "never",
        chapters=tuple(
            Chapter(number, title, quote, next(items)) for number, (title, quote) in enumerate(POINTS, start=1)
        ),
        gone=tuple(gone(records.declaration)),
    )


def _items(records: Records) -> Iterator[tuple[Item, ...]]:
    stands = records.declaration.governance
    yield general(records)
    yield development(records)
    yield control(records)
    yield metrics(records)
    yield risk_items(records)
    yield changes(records)
    yield (stated("Standards, or the solutions adopted instead", "standards", stands.standards),)
    yield (stated("EU declaration of conformity", "conformity", stands.conformity, required=False),)
    yield monitoring(records)
