"""A use case's own history, as it was known at each moment: the arrivals of its accepted batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.deciding.evaluation_rows import rows_after
from perennial.deciding.labelled_rows import labelled
from perennial.errors import InputError
from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.ledger.entries import BatchEntry
from perennial.ledger.ledger import Ledger
from perennial.our_columns import BATCH, FIRST_KNOWN_AT
from perennial.store.known import Known, known_at
from perennial.store.rows import labels_of
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd

FEWEST_BATCHES = 3
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class History:
    """Every row that ever had a label, with the label that counted first, and when it was known.

    batches: accepted, in the order in which they arrived; several may share a moment. known: what was known at each of
    the m moments. rows: n of them, in the order in which their labels became known.
    labels, arrived, moment, cluster, day: as in `Stream`. midnights: the beginning of each day. second: likewise.
    """

    batches: tuple[BatchEntry, ...]
    known: tuple[Known, ...]
    rows: pd.DataFrame
    labels: FloatArray
    arrived: IntArray
    moment: IntArray
    cluster: IntArray
    day: IntArray
    midnights: tuple[datetime, ...]
    second: tuple[str, IntArray] | None

    @property
    def windows(self) -> tuple[str, ...]:
        """The newest batch of each moment, by its window of the source."""
        newest = {instant(batch.arrived_at): batch.window for batch in self.batches}
        return tuple(newest[each.as_of] for each in self.known)

    @property
    def days(self) -> int:
        """From the first to the last local day with rows, both included."""
        return (self.midnights[-1] - self.midnights[0]).days + 1

    def newest(self, days: int) -> IntArray:
        """The first of the newest `days` local days with labels at each moment, shape (m,); all if there are fewer."""
        firsts = [0] * len(self.known)
        for t in range(len(self.known)):
            distinct = np.unique(self.day[self.moment <= t])
            firsts[t] = int(distinct[-min(days, distinct.size)]) if distinct.size else 0
        return np.array(firsts, dtype=np.int64)


def moments_of(ledger: Ledger, usecase: str, now: datetime) -> list[datetime]:
    """When accepted batches arrived up to `now`, each moment once."""
    return _moments(_accepted(ledger, usecase, now))


def _moments(batches: list[BatchEntry]) -> list[datetime]:
    return sorted({instant(batch.arrived_at) for batch in batches})


def _accepted(ledger: Ledger, usecase: str, now: datetime) -> list[BatchEntry]:
    batches = [row.payload for row in ledger.all(usecase, BatchEntry) if row.payload.status == "accepted"]
    arrived = [each for each in batches if instant(each.arrived_at) <= now]
    return sorted(arrived, key=lambda batch: instant(batch.arrived_at))


def read_history(tables: Tables, ledger: Ledger, declaration: Declaration, now: datetime) -> History:
    """The history up to `now`. A label counts as it was when it first counted, whatever corrected it later.

    Raises InputError if there are fewer than three moments, or no label yet.
    """
    import pandas as pd

    usecase = declaration.name
    batches = _accepted(ledger, usecase, now)
    moments = _moments(batches)
    if len(moments) < FEWEST_BATCHES:
        raise InputError(
            f"{usecase}: {len(moments)} accepted batches are too few; schedules are compared on at least "
            f"{FEWEST_BATCHES}: one to learn from, one to decide on and one to compare the decisions on",
            code="backtest-too-short",
        )
    known = tuple(known_at(ledger, usecase, moment) for moment in moments)
    parts, before = [], _BEFORE_ALL
    for each in known:
        parts.append(rows_after(tables, declaration, each, before).frame)
        before = each.as_of
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    if rows.empty:
        raise InputError(f"{usecase}: no label is known yet", code="label-none")
    clustered = labelled(declaration, rows)
    place = {batch.batch: moments.index(instant(batch.arrived_at)) for batch in batches}
    midnight = rows[declaration.schema_.time].dt.tz_convert(declaration.schema_.timezone).dt.normalize()
    midnights, day = np.unique(midnight, return_inverse=True)
    return History(
        batches=tuple(batches),
        known=known,
        rows=rows,
        labels=labels_of(rows, declaration.schema_),
        arrived=rows[BATCH].map(place).to_numpy(dtype=np.int64),
        moment=np.searchsorted(pd.DatetimeIndex(moments), pd.DatetimeIndex(rows[FIRST_KNOWN_AT])).astype(np.int64),
        cluster=clustered.codes,
        day=day.astype(np.int64),
        midnights=tuple(each.to_pydatetime() for each in midnights),
        second=clustered.second,
    )
