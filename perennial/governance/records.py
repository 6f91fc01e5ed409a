"""What the ledger holds about a use case, as far as a dossier needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perennial.governance.subject import Subject, subject_of
from perennial.ledger.entries import (
    Approval,
    BatchEntry,
    Calibration,
    Cycle,
    DeclarationEntry,
    Endorsement,
    Episode,
    EpisodeClosed,
    LabelBatchEntry,
    Refusal,
    Release,
    Waiver,
)
from perennial.ledger.ledger import Ledger, Position, Row
from perennial.ledger.present import newest_calibration
from perennial.usecase.declaration import Declaration


@dataclass(frozen=True)
class Records:
    """The rows of each kind in their order. declaration: today's, whose `governance` is what people state.

    subject: None before the first release. newest: the newest row of the ledger, None for an empty one. by_people:
    every step of an approval or refusal.
    """

    declaration: Declaration
    subject: Subject | None
    newest: Position | None
    declarations: Sequence[Row[DeclarationEntry]]
    batches: Sequence[BatchEntry]
    labels: Sequence[LabelBatchEntry]
    by_people: Sequence[Row[Endorsement] | Row[Approval] | Row[Refusal]]
    releases: Sequence[Release]
    waivers: Sequence[Row[Waiver]]
    episodes: Sequence[Episode]
    closed: Sequence[EpisodeClosed]
    cycles: Sequence[Cycle]
    calibration: Calibration | None


def records_of(
    ledger: Ledger, declaration: Declaration, decision: str | None = None, release_no: int | None = None
) -> Records:
    """Raises InputError for a decision or release that the ledger does not hold."""
    usecase = declaration.name
    return Records(
        declaration=declaration,
        subject=subject_of(ledger, usecase, decision, release_no),
        newest=ledger.newest(usecase),
        declarations=ledger.all(usecase, DeclarationEntry),
        batches=[row.payload for row in ledger.all(usecase, BatchEntry)],
        labels=[row.payload for row in ledger.all(usecase, LabelBatchEntry)],
        by_people=_by_people(ledger, usecase),
        releases=[row.payload for row in ledger.all(usecase, Release)],
        waivers=ledger.all(usecase, Waiver),
        episodes=[row.payload for row in ledger.all(usecase, Episode)],
        closed=[row.payload for row in ledger.all(usecase, EpisodeClosed)],
        cycles=[row.payload for row in ledger.all(usecase, Cycle)],
        calibration=newest_calibration(ledger, usecase),
    )


def _by_people(ledger: Ledger, usecase: str) -> list[Row[Endorsement] | Row[Approval] | Row[Refusal]]:
    return sorted(
        (*ledger.all(usecase, Endorsement), *ledger.all(usecase, Approval), *ledger.all(usecase, Refusal)),
        key=lambda row: row.position,
    )
