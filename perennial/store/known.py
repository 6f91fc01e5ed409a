"""What the ledger has committed by a moment: the current revision of each window, and label batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

    A cycle asks several times, so what was known after the newest rows is kept, and when the last of them arrived.
    """
    batches, labels = ledger.all(usecase, BatchEntry), ledger.all(usecase, LabelBatchEntry)
    made_from = (batches[-1].hash if batches else "", labels[-1].hash if labels else "")
    last, known = _KEPT.get(made_from, (as_of, None))
    if known is None or as_of < last:
        accepted = [each.payload for each in batches if each.payload.status == "accepted"]
        of_labels = [each.payload for each in labels if each.payload.status == "accepted"]
        arrivals = [each.arrived_at for each in accepted] + [each.arrived_at for each in of_labels]
        last = max(map(instant, arrivals), default=as_of)
        known = _known(accepted, of_labels, as_of)
        if last <= as_of:
            while len(_KEPT) >= _MOST:
                _KEPT.pop(next(iter(_KEPT)), None)
            _KEPT[made_from] = last, known
    return known if known.as_of == as_of else replace(known, as_of=as_of)


_MOST = 8
_KEPT: dict[tuple[str, str], tuple[datetime, Known]] = {}
"""What was known lately, with all rows. A row's hash stands for all rows before it."""


def _known(batches: Sequence[BatchEntry], label_batches: Sequence[LabelBatchEntry], as_of: datetime) -> Known:
    """Of accepted ones."""
    arrived = [each for each in batches if instant(each.arrived_at) <= as_of]
    newest = {batch.window: batch for batch in arrived}
    restated = len(newest) < len(arrived)
    return Known(
        as_of,
        tuple(sorted(newest.values(), key=attrgetter("end", "window"))),
        tuple(each for each in label_batches if instant(each.arrived_at) <= as_of),
        tuple(batch for batch in arrived if newest[batch.window] is not batch) if restated else (),
    )
