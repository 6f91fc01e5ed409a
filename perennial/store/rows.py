"""Rows as they were known at a moment: which batches are current, and which label each row had by then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perennial.clock import instant, write_instant
from perennial.errors import InputError
from perennial.ledger.entries import BatchEntry, LabelBatchEntry
from perennial.ledger.ledger import Ledger
from perennial.our_columns import ARRIVED_AT, BATCH, FIRST_KNOWN_AT, KNOWN_AT, LABEL, LABEL_KNOWN_AT, PREFIX, ROW
from perennial.sources.numbers import EXACT
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd
    import pyarrow as pa


_WINDOW, _PLACE, _CURRENT, _APART, _COUNTS_FROM, _RANK, _OWN, _OWN_KNOWN = (
    f"{PREFIX}{name}" for name in ("window", "place", "current", "apart", "counts_from", "rank", "own", "own_known")
)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""A label known from this year on is never known: 9999-12-31 is a common way to write that."""


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


def read_rows(
    tables: Tables, usecase: str, schema: Schema, known: Known, only: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Accepted rows in key order, each with the label that was known at `known.as_of`.

    only: ids of the batches to read; all of `known` if None.
    A label counts from the moment when it was both known and here: the later of its `known_at` and its arrival.
    Adds `LABEL` (null if none counted yet), `KNOWN_AT` (when the label that is used became known) and
    `FIRST_KNOWN_AT` (since when any label of the row has counted, including that of a replaced revision). If several
    labels count, the one known latest is used; of two known at the same moment, the one that arrived later. The row's
    target column is left out: only `LABEL` may be used.
    """
    batches = list(known.batch_ids if only is None else only)
    accepted = tables.read(usecase, "accepted", batches)
    if accepted is None:
        raise LookupError(f"{usecase}: no accepted table yet")
    key, target = ", ".join(_quoted(name) for name in schema.key), _quoted(schema.target)
    rank, own_rank = (f"({known}, {ARRIVED_AT}, {_PLACE})" for known in (LABEL_KNOWN_AT, _OWN_KNOWN))
    with _labels(tables, usecase, schema, known, accepted) as connection:
        # A key has one current row, so only labels that came apart from their rows need to be grouped by key.
        frame = connection.sql(
            f"""
            WITH apart AS (
                SELECT {key}, max({rank}) FILTER ({_CURRENT}) AS {_RANK},
                       arg_max({LABEL}, {rank}) FILTER ({_CURRENT}) AS {LABEL},
                       max({LABEL_KNOWN_AT}) FILTER ({_CURRENT}) AS {KNOWN_AT}, min({_COUNTS_FROM}) AS {FIRST_KNOWN_AT}
                FROM labels WHERE {_APART} AND {_COUNTS_FROM} <= $as_of::TIMESTAMPTZ GROUP BY {key}
            ),
            own AS (
                SELECT accepted.* EXCLUDE ({target}, {LABEL_KNOWN_AT}) REPLACE (arrivals.{ARRIVED_AT} AS {ARRIVED_AT}),
                       {target} AS {_OWN}, {_PLACE},
                       CASE WHEN {target} IS NOT NULL AND {LABEL_KNOWN_AT} <= $as_of::TIMESTAMPTZ
                            THEN {LABEL_KNOWN_AT} END AS {_OWN_KNOWN}
                FROM accepted JOIN arrivals ON accepted.{BATCH} = arrivals.{BATCH}
            )
            SELECT own.* EXCLUDE ({_OWN}, {_OWN_KNOWN}, {_PLACE}),
                   CASE WHEN {_OWN_KNOWN} IS NOT NULL AND ({_RANK} IS NULL OR {own_rank} > {_RANK})
                        THEN {_OWN} ELSE {LABEL} END AS {LABEL},
                   greatest({_OWN_KNOWN}, {KNOWN_AT}) AS {KNOWN_AT},
                   least(CASE WHEN {_OWN_KNOWN} IS NOT NULL THEN greatest({_OWN_KNOWN}, {ARRIVED_AT}) END,
                         {FIRST_KNOWN_AT}) AS {FIRST_KNOWN_AT}
            FROM own LEFT JOIN apart USING ({key})
            ORDER BY {key}
            """,
            params={"as_of": write_instant(known.as_of)},
        ).to_arrow_table()
    return frame_of(frame)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Stored rows in pandas. Integers with nulls become floats, as models expect, unless that would change a value."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    frame = table.to_pandas()
    for name in table.column_names:
        column = table[name]
        if pa.types.is_int64(column.type) and column.null_count:
            ends = pc.min_max(column)
            if any(abs(each.as_py() or 0) > EXACT for each in ends.values()):
                frame[name] = pd.Series(pd.Int64Dtype().__from_arrow__(column), index=frame.index)
    return frame


def content(rows: pd.DataFrame) -> pd.DataFrame:
    """The content that is digested: everything except arrival times and columns without any value.

    A table gets a new column with the first batch that has it, which must not change the digest of earlier batches.
    """
    return rows.drop(columns=[ARRIVED_AT]).dropna(axis="columns", how="all")


def next_label(tables: Tables, usecase: str, schema: Schema, known: Known) -> datetime | None:
    """When the next stored label begins to count; None if there is none."""
    accepted = tables.read(usecase, "accepted", list(known.batch_ids), _label_columns(schema))
    if accepted is None:
        return None
    with _labels(tables, usecase, schema, known, accepted) as connection:
        row = connection.execute(
            f"SELECT epoch_us(min({_COUNTS_FROM})) FROM labels WHERE {_CURRENT} AND {_COUNTS_FROM} > ?::TIMESTAMPTZ "
            f"AND {_COUNTS_FROM} < ?::TIMESTAMPTZ",
            [write_instant(known.as_of), write_instant(NEVER)],
        ).fetchone()
    microseconds = row[0] if row else None
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


@dataclass(frozen=True)
class Unmatched:
    """Labels from separate files whose key no row has. keys: some of them, the first that arrived first."""

    count: int
    keys: tuple[tuple[Any, ...], ...]


def labels_without_row(tables: Tables, usecase: str, schema: Schema, known: Known, most: int = 1) -> Unmatched | None:
    """Keys of late labels that match no row so far; None if all match. most: how many keys are named.

    Only key columns are read. Later rows may still match them.
    """
    import duckdb

    key = list(schema.key)
    late = tables.read(usecase, "labels", list(known.label_batch_ids), [*key, BATCH])
    accepted = tables.read(usecase, "accepted", list(known.batch_ids), key)
    if late is None or accepted is None:
        return None
    places = {batch: place for place, batch in enumerate(known.label_batch_ids)}
    columns = ", ".join(_quoted(name) for name in key)
    with duckdb.connect() as connection:
        connection.register("late", late)
        connection.register("accepted", accepted)
        connection.register("places", _places(places))
        missing = f"SELECT * FROM late ANTI JOIN accepted USING ({columns})"
        unmatched = connection.sql(
            f"""
            SELECT {columns}, min({_PLACE}) AS {_PLACE} FROM ({missing}) JOIN places USING ({BATCH})
            GROUP BY {columns} ORDER BY {_PLACE}, {columns}
            """
        ).to_arrow_table()
    if not unmatched.num_rows:
        return None
    keys = tuple(tuple(row[name] for name in key) for row in unmatched.slice(0, most).to_pylist())
    return Unmatched(unmatched.num_rows, keys)


def _places(places: dict[str, int]) -> pa.Table:
    import pyarrow as pa

    return pa.table({BATCH: pa.array(places.keys(), pa.string()), _PLACE: pa.array(places.values(), pa.int64())})


@contextmanager
def _labels(
    tables: Tables, usecase: str, schema: Schema, known: Known, accepted: pa.Table
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that has `accepted`, `arrivals` and the view `labels`: every label, whenever it counts.

    Each has the key, `LABEL`, when it became known, when it arrived, its position in the ledger, since when it counts,
    whether it is current, which labels of a replaced revision are not, and whether it came apart from its row. Arrival
    times come from the ledger, so a crash between table and ledger cannot change them.
    """
    import duckdb
    import pyarrow as pa

    entries: list[BatchEntry | LabelBatchEntry] = [*known.replaced, *known.batches, *known.label_batches]
    columns = _label_columns(schema)
    late = tables.read(usecase, "labels", list(known.label_batch_ids), columns)
    former = tables.read(usecase, "accepted", [b.batch for b in known.replaced], columns) if known.replaced else None
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("accepted", accepted)
        arrivals = {
            BATCH: pa.array([entry.batch for entry in entries], pa.string()),
            ARRIVED_AT: pa.array([instant(e.arrived_at) for e in entries], pa.timestamp("us", tz="UTC")),
            _PLACE: pa.array(range(len(entries)), pa.int64()),
        }
        connection.register("arrivals", pa.table(arrivals))
        key = ", ".join(_quoted(name) for name in schema.key)
        select = f"SELECT {key}, {_quoted(schema.target)} AS {LABEL}, {LABEL_KNOWN_AT}, {BATCH},"
        sources = [f"{select} true AS {_CURRENT}, false AS {_APART} FROM accepted"]
        for name, table, current in (("late", late, "true"), ("former", former, "false")):
            if table is not None:
                connection.register(name, table)
                sources.append(f"{select} {current} AS {_CURRENT}, true AS {_APART} FROM {name}")
        connection.execute(
            f"""
            CREATE TEMP VIEW labels AS
            SELECT *, greatest({LABEL_KNOWN_AT}, {ARRIVED_AT}) AS {_COUNTS_FROM}
            FROM ({" UNION ALL ".join(sources)}) JOIN arrivals USING ({BATCH})
            WHERE {LABEL} IS NOT NULL AND {LABEL_KNOWN_AT} IS NOT NULL
            """
        )
        yield connection


def _label_columns(schema: Schema) -> list[str]:
    return [*schema.key, schema.target, LABEL_KNOWN_AT, BATCH]


def labels_of(rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """The labels as numbers, shape (n,): unchanged, or as positions in `schema.classes`, from 0.

    rows: with `LABEL`, never null. Raises InputError for a label that is no longer among the classes.
    """
    import numpy as np

    if schema.task != "multiclass":
        return rows[LABEL].to_numpy(dtype=np.float64)
    places = {value: place for place, value in enumerate(schema.classes)}
    numbers: np.ndarray = rows[LABEL].map(places).to_numpy(dtype=np.float64)
    if np.isnan(numbers).any():
        gone = rows[LABEL][np.isnan(numbers)].iloc[0]
        raise InputError(
            f"schema.classes: {int(np.isnan(numbers).sum()):,} accepted rows have a label that is not a class, for "
            f"example {gone!r}. Add it to the classes."
        )
    return numbers


def accepted_in(
    tables: Tables, usecase: str, schema: Schema, known: Known, window: str, frame: pd.DataFrame
) -> pd.Series | None:
    """For each row of `frame`, the other window in which its key was accepted, or null; None if there is none at all.

    Earlier revisions of the same window do not count, because a restatement has the same keys again.
    """
    others = {b.batch: b.window for b in known.batches if b.window != window}
    table = tables.read(usecase, "accepted", list(others), columns=[*schema.key, BATCH]) if others else None
    if table is None or any(name not in frame.columns for name in schema.key):
        return None
    before = _with_keys_of(table, frame, schema).to_pandas()
    before[_WINDOW] = before.pop(BATCH).map(others)
    met = (
        frame[list(schema.key)]
        .reset_index(names=ROW)
        .merge(before.drop_duplicates(list(schema.key)), on=list(schema.key), how="left")
    )
    return met.set_index(ROW)[_WINDOW].reindex(frame.index)


def _with_keys_of(table: pa.Table, frame: pd.DataFrame, schema: Schema) -> pa.Table:
    """The rows of `table` that can have a key of `frame`, possibly with others, so that few are compared exactly."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in schema.key:
        kind = table.schema.field(name).type
        if pa.types.is_string(kind) or pa.types.is_int64(kind):
            try:
                keys = pa.array(frame[name].drop_duplicates(), kind, from_pandas=True)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                continue
            table = table.filter(pc.is_in(table[name], value_set=keys))
    return table


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
