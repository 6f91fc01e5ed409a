"""The plan for a batch: its name, its place in time, whether it is held, what is set aside. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from perennial.clock import write_instant
from perennial.intake.limits import examples_of, exceeded
from perennial.intake.missing import column_warnings, missing_warnings, often_missing
from perennial.intake.naming import Named, end_of, name_batch
from perennial.intake.plausible import FAR_WINDOW, OTHER_ORDER, far_window, plausible_times, time_faults_in
from perennial.ledger.entries import BatchEntry, Reason, Rows
from perennial.sources.batch_rows import BatchRows, column_parts
from perennial.sources.day_order import both_orders, next_is_other
from perennial.sources.window import Window
from perennial.sources.written import written
from perennial.usecase.columns import read_options
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd


class Checked(Protocol):
    """The results of the checks on a batch; see `data_checks.validation.Validation`."""

    @property
    def held_because(self) -> tuple[str, ...]: ...
    @property
    def set_aside(self) -> Mapping[int, tuple[str, ...]]: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    @property
    def reasons(self) -> tuple[Reason, ...]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Present:
    """What is known about a use case when a batch arrives.

    now: aware, when the batch arrives on a wall clock; on a replay clock the run's start, an upper bound of times.
    clock: the replay clock without earlier revisions of this window; None before the first batch.
    newest: the newest entry of the same window. waived: checks that people waived for these bytes.
    windows: all that the source has. usual: how many rows batches usually have, None if there were none.
    extra: undeclared columns of earlier batches, None where there were none. missing: feature → the share of rows of
    earlier batches in which it was missing, for those that are often missing now. ends: of the accepted batches of
    other windows.
    """

    now: datetime
    clock: datetime | None
    newest: BatchEntry | None
    waived: tuple[str, ...]
    windows: Sequence[Window]
    usual: float | None
    extra: frozenset[str] | None = None
    missing: Mapping[str, float] = field(default_factory=dict)
    ends: Sequence[datetime] = ()


@dataclass(frozen=True)
class Arrived:
    """A batch that arrived, before any declared check ran.

    arrived_at: it may be compared with what was known by then. time_faults: aligned with its rows, null if the time is
    plausible. far: why its whole window is implausible, otherwise None. order: as `other_order`.
    """

    named: Named
    window: Window
    landing: str
    end: datetime
    arrived_at: datetime
    time_faults: pd.Series | None
    far: str | None
    order: str = ""


def arrival(
    declaration: Declaration, window: Window, landing: str, digest: str, batch: BatchRows, present: Present
) -> Arrived:
    """Name a batch and place it in time, by its plausible rows alone.

    Raises InputError for a file without a single plausible time.
    """
    schema, order = declaration.schema_, other_order(declaration, batch, present)
    faults, plausible = None, iter(())
    if schema.time in batch.names:
        times = partial(column_parts, batch, schema.time)
        faults = time_faults_in(times, batch.index, now=present.now, gap=schema.plausible_gap, future=schema.future)
        plausible = plausible_times(batch, schema.time, faults)
    end = end_of(window, len(batch), plausible, schema, order)
    wall = declaration.clock == "wall"
    return Arrived(
        named=name_batch(declaration, window.name, digest, present.newest, present.waived),
        window=window,
        landing=landing,
        end=end,
        arrived_at=present.now if wall else max(end, present.clock or end),
        time_faults=faults,
        far=far_window(window, present.windows, len(batch), present.usual, schema.plausible_gap),
        order=order,
    )


@dataclass(frozen=True)
class Planned:
    """The plan for a batch. held_because: empty if its rows are accepted, except those in `set_aside`."""

    arrived: Arrived
    held_because: tuple[str, ...]
    set_aside: Mapping[int, tuple[str, ...]]
    rows: Rows
    warnings: tuple[str, ...]
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether no row of the batch is accepted."""
        return bool(self.held_because)

    def same_as(self, entry: BatchEntry) -> bool:
        """Whether running the checks again gave the same result as a recorded entry."""
        return (entry.held_because, entry.quarantine) == (self.held_because, self.reasons)

    def entry(
        self, declaration: Declaration, present: Present, batch: BatchRows, accepted: int | None, quarantine: int | None
    ) -> BatchEntry:
        """The entry that commits the batch. accepted, quarantine: versions of the tables that have its rows."""
        arrived = self.arrived
        return BatchEntry(
            batch=arrived.named.batch,
            window=arrived.window.name,
            start=write_instant(arrived.window.start) if arrived.window.start else None,
            end=write_instant(arrived.end),
            revision=arrived.named.revision,
            landing=arrived.landing,
            digest=arrived.named.digest,
            arrived_at=write_instant(arrived.arrived_at),
            status="held" if self.held else "accepted",
            rows=self.rows,
            quarantine=self.reasons,
            warnings=self.warnings,
            held_because=self.held_because,
            extra_columns=batch.extra,
            table_version=accepted,
            quarantine_version=quarantine,
            declaration_digest=declaration.digest,
            because=_because(present, arrived.landing),
            waived=present.waived,
            notes=self.notes,
        )


def plan(declaration: Declaration, arrived: Arrived, present: Present, batch: BatchRows, checked: Checked) -> Planned:
    """Whether a batch is held, and what is set aside."""
    held = _held_because(declaration, arrived, present, batch, checked)
    rows = Rows(arrived=len(batch), accepted=0, quarantined=0, unlabelled=0)
    if not held:
        aside, labels = list(checked.set_aside), column_parts(batch, declaration.schema_.target)
        rows = Rows(
            arrived=len(batch),
            accepted=len(batch) - len(aside),
            quarantined=len(aside),
            unlabelled=sum(int((part.isna() & ~part.index.isin(aside)).sum()) for part in labels),
        )
    more = missing_warnings(often_missing(batch, declaration), present.missing)
    ours = [*column_warnings(batch, present.extra), *more]
    return Planned(arrived, held, checked.set_aside, rows, (*ours, *checked.warnings), checked.reasons, checked.notes)


def _held_because(
    declaration: Declaration, arrived: Arrived, present: Present, batch: BatchRows, checked: Checked
) -> tuple[str, ...]:
    held = list(checked.held_because)
    if arrived.far is not None and FAR_WINDOW not in present.waived:
        held.append(f"{FAR_WINDOW}: it {arrived.far} and has few rows. Is a time mistyped? Correct it, or waive this")
    if arrived.order and OTHER_ORDER not in present.waived:
        held.insert(0, arrived.order)
    if held:
        return tuple(held)
    if len(checked.set_aside) == len(batch):
        worst = checked.reasons[0]
        return (f"all {len(batch):,} rows failed a check, most often {worst.reason} ({worst.rows:,})",)

    def examples(reason: str, rows: list[int]) -> list[str]:
        return examples_of(batch, reason, rows)

    over = exceeded(declaration.set_aside, len(batch), checked.set_aside, examples)
    return tuple(f"{each.limit}: {each.finding}" for each in over if each.limit not in present.waived)


def other_order(declaration: Declaration, batch: BatchRows, present: Present) -> str:
    """Why the times are probably written with day and month the other way round than declared; empty if not.

    A revision of a window that was accepted is not expected to come next, so only unreadable dates show it there.
    """
    schema, texts = declaration.schema_, batch.written.get(declaration.schema_.time)
    if texts is None:
        return ""
    both = both_orders(texts, schema.timezone, written(schema.time, read_options(declaration)))
    ends = () if present.newest is not None and present.newest.status == "accepted" else present.ends
    if both is None or not next_is_other(both, ends):
        return ""
    after = "" if both.declared is None else f", which comes next after {max(ends):%Y-%m-%d}"
    return f"{OTHER_ORDER}: {both.words}{after}. Write the file like the ones before, or its dates as 2024-12-31"


def _because(present: Present, landing: str) -> Literal["arrived", "restated", "requeued", "waived"]:
    if present.newest is None:
        return "arrived"
    if present.newest.landing != landing:
        return "restated"
    return "requeued" if present.waived == present.newest.waived else "waived"
