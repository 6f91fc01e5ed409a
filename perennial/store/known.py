"""What the ledger has committed by a moment: the current revision of each window, and label batches."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter

from perennial.clock import EARLIEST, instant
from perennial.ledger.entries import BatchEntry, LabelBatchEntry
from perennial.ledger.folded import Folded
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
    def arrivals(self) -> tuple[datetime, ...]:
        """When each of the batches arrived."""
        return tuple(instant(b.arrived_at) for b in self.batches)

    def named(self, ids: Iterable[str]) -> tuple[BatchEntry, ...]:
        """The batches with these ids, in the order of their windows; most often they are the last ones."""
        wanted, last_first = set(ids), list[BatchEntry]()
        for batch in reversed(self.batches):
            if not wanted:
                break
            if batch.batch in wanted:
                wanted.remove(batch.batch)
                last_first.append(batch)
        return tuple(reversed(last_first))

    @cached_property
    def label_batch_ids(self) -> tuple[str, ...]:
        """Ids of the label batches, in the order of arrival."""
        return tuple(b.batch for b in self.label_batches)


@dataclass
class _Came:
    """Accepted entries, in the order of writing. last: when the last of them arrived.

    current: of each window the newest one, in the order of their ends.
    """

    batches: list[BatchEntry] = field(default_factory=list)
    newest: dict[str, BatchEntry] = field(default_factory=dict)
    current: list[BatchEntry] = field(default_factory=list)
    last: datetime = EARLIEST

    def take(self, batch: BatchEntry) -> None:
        if batch.status != "accepted":
            return
        former = self.newest.get(batch.window)
        if former is not None:
            del self.current[bisect_left(self.current, _PLACE(former), key=_PLACE)]
        self.batches.append(batch)
        self.newest[batch.window] = batch
        insort(self.current, batch, key=_PLACE)
        self.last = max(self.last, instant(batch.arrived_at))

    def known(self, as_of: datetime) -> tuple[tuple[BatchEntry, ...], tuple[BatchEntry, ...]]:
        """What had arrived by then: the current batches, and those that they replaced."""
        if self.last > as_of:
            earlier = _Came()
            for batch in self.batches:
                if instant(batch.arrived_at) <= as_of:
                    earlier.take(batch)
            return earlier.known(as_of)
        if len(self.current) == len(self.batches):
            return tuple(self.current), ()
        return tuple(self.current), tuple(each for each in self.batches if self.newest[each.window] is not each)


_PLACE = attrgetter("end", "window")
_CAME = Folded(BatchEntry, _Came, _Came.take)


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
        current, replaced = _CAME.read(ledger, usecase, lambda came: came.known(as_of), batches)
        accepted = (row.payload for row in labels if row.payload.status == "accepted")
        known = Known(as_of, current, tuple(e for e in accepted if instant(e.arrived_at) <= as_of), replaced)
        _KEPT[made_from] = known
    return known


_MOST = 8
_KEPT: dict[tuple[str, str, datetime], Known] = {}
"""What was known lately. A row's hash stands for all rows before it."""
