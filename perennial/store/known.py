"""What the ledger has committed by a moment: the current revision of each window, and label batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter

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

    @cached_property
    def batch_ids(self) -> tuple[str, ...]:
        """Ids of the batches, in the order of their windows."""
        return tuple(b.batch for b in self.batches)

    @cached_property
    def label_batch_ids(self) -> tuple[str, ...]:
        """Ids of the label batches, in the order of arrival."""
        return tuple(b.batch for b in self.label_batches)


def known_at(ledger: Ledger, usecase: str, as_of: datetime) -> Known:
    """The current state at `as_of`: for each window, the newest accepted revision that had arrived by then.

    A cycle asks for the same one several times, so the last ones are kept, by the newest rows that they are made from.
    """
    batches, labels = ledger.all(usecase, BatchEntry), ledger.all(usecase, LabelBatchEntry)
    made_from = (batches[-1].hash if batches else "", labels[-1].hash if labels else "", as_of)
    known = _KEPT.get(made_from)
    if known is None:
        while len(_KEPT) >= _MOST:
            _KEPT.pop(next(iter(_KEPT)), None)
        known = _KEPT[made_from] = _known([row.payload for row in batches], [row.payload for row in labels], as_of)
    return known


_MOST = 8
_KEPT: dict[tuple[str, str, datetime], Known] = {}
"""What was known lately. A row's hash stands for all rows before it."""


def _known(batches: Sequence[BatchEntry], label_batches: Sequence[LabelBatchEntry], as_of: datetime) -> Known:
    accepted = [each for each in batches if each.status == "accepted" and instant(each.arrived_at) <= as_of]
    newest = {batch.window: batch for batch in accepted}
    restated = len(newest) < len(accepted)
    return Known(
        as_of,
        tuple(sorted(newest.values(), key=attrgetter("end", "window"))),
        tuple(each for each in label_batches if each.status == "accepted" and instant(each.arrived_at) <= as_of),
        tuple(batch for batch in accepted if newest[batch.window] is not batch) if restated else (),
    )
