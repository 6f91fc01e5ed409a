"""What the ledger has committed by a moment: the current revision of each window, and label batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perennial.clock import instant
from perennial.ledger.entries import BatchEntry, LabelBatchEntry
from perennial.ledger.ledger import Ledger


@dataclass(frozen=True)
class Known:
    """What the ledger has committed by `as_of`, each by id.

    batches: the current revision of each window. replaced: earlier revisions, whose labels models may have learned.
    """

    as_of: datetime
    batches: tuple[BatchEntry, ...]
    label_batches: tuple[LabelBatchEntry, ...]
    replaced: tuple[BatchEntry, ...] = ()

    @property
    def batch_ids(self) -> tuple[str, ...]:
        """Ids of the batches, in the order of their windows."""
        return tuple(b.batch for b in self.batches)

    @property
    def label_batch_ids(self) -> tuple[str, ...]:
        """Ids of the label batches, in the order of arrival."""
        return tuple(b.batch for b in self.label_batches)


def known_at(ledger: Ledger, usecase: str, as_of: datetime) -> Known:
    """The current state at `as_of`: for each window, the newest accepted revision that had arrived by then."""
    arrived = [r.payload for r in ledger.all(usecase, BatchEntry) if instant(r.payload.arrived_at) <= as_of]
    accepted = [batch for batch in arrived if batch.status == "accepted"]
    newest = {batch.window: batch for batch in accepted}
    labels = [r.payload for r in ledger.all(usecase, LabelBatchEntry) if instant(r.payload.arrived_at) <= as_of]
    return Known(
        as_of,
        tuple(sorted(newest.values(), key=lambda b: (b.end, b.window))),
        tuple(batch for batch in labels if batch.status == "accepted"),
        tuple(batch for batch in accepted if newest[batch.window] is not batch),
    )
