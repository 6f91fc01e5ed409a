"""Rows as they were known at a moment: which batches are current, and which label each row had by then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from perennial.clock import from_microseconds, instant, write_instant
from perennial.errors import InputError
from perennial.ledger.entries import BatchEntry, LabelBatchEntry
from perennial.our_columns import ARRIVED_AT, BATCH, FIRST_KNOWN_AT, KNOWN_AT, LABEL, LABEL_KNOWN_AT, PREFIX
from perennial.sources.numbers import EXACT
from perennial.store.known import Known
from perennial.store.stream import Span, Stream, quoted
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


_PLACE, _CURRENT, _COUNTS_FROM, _RANK, _OWN, _OWN_KNOWN, _LATE, _FORMER = (
    f"{PREFIX}{name}" for name in ("place", "current", "counts_from", "rank", "own", "own_known", "late", "former")
)
_ROWS_OF_A_PART = 100_000
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""A label known from this year on is never known: 9999-12-31 is a common way to write that."""


@dataclass(frozen=True)
class Selection:
    """Which rows are read; the others take no memory.

    keeps: which rows of a part are kept, shape (n,), from their key, their time and their batch. since, until: no row
    before or from these times on is kept, so files without others are not opened; None for no bound.
    """

    keeps: Callable[[pa.Table], Any]
    since: datetime | None = None
    until: datetime | None = None


def read_rows(
    tables: Tables,
    usecase: str,
    schema: Schema,
    known: Known,
    only: tuple[str, ...] | None = None,
    labelled: bool = False,
    selection: Selection | None = None,
) -> pd.DataFrame:
    """Accepted rows in key order, each with the label that was known at `known.as_of`.

    only: ids of the batches to read; all of `known` if None. labelled: leave out rows without such a label.
    selection: leaves out other rows while reading.
    A label counts from the moment when it was both known and here: the later of its `known_at` and its arrival.
    Adds `LABEL` (null if none counted yet), `KNOWN_AT` (when the label that is used became known) and
    `FIRST_KNOWN_AT` (since when any label of the row has counted, including that of a replaced revision). If several
    labels count, the one known latest is used; of two known at the same moment, the one that arrived later. The row's
    target column is left out: only `LABEL` may be used.
    """
    parts = list(read_parts(tables, usecase, schema, known, only, labelled, selection))
    return frame_of(_in_order(parts, schema.key))


def read_parts(
    tables: Tables,
    usecase: str,
    schema: Schema,
    known: Known,
    only: tuple[str, ...] | None = None,
    labelled: bool = False,
    selection: Selection | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.Table]:
    """As `read_rows`, part by part and in no order; the first part has no rows.

    columns: of the accepted table, beside those that labels need; all if None.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    batches = list(known.batch_ids if only is None else only)
    apart = _label_streams(tables, usecase, schema, known)
    accepted = tables.stream(
        usecase,
        "accepted",
        batches,
        None if columns is None else [*columns, *_label_columns(schema), ARRIVED_AT],
        where=_counts(pc.field(schema.target), pc.field(LABEL_KNOWN_AT), known) if labelled and not apart else None,
        span=Span(schema.time, selection.since, selection.until) if selection else None,
    )
    if accepted is None:
        raise LookupError(f"{usecase}: no accepted table yet")
    if selection is not None:
        accepted = Stream(accepted.schema, (part.filter(selection.keeps(part)) for part in accepted.parts))
    if not apart:
        of = replace(known, batches=known.batches if only is None else known.named(batches))
        yield _with_own_labels(accepted.schema.empty_table(), schema, of)
        yield from (_with_own_labels(part, schema, of) for part in accepted.parts)
        return
    key, target = ", ".join(quoted(name) for name in schema.key), quoted(schema.target)
    rank, own_rank = (f"({known}, {ARRIVED_AT}, {_PLACE})" for known in (LABEL_KNOWN_AT, _OWN_KNOWN))
    with tables.joining(arriving=accepted, arrivals=_arrivals(known), **apart) as connection:
        # Of a few batches only their own labels are of interest, but a stream of all rows can be read just once.
        connection.execute(f"CREATE TEMP {'VIEW' if only is None else 'TABLE'} accepted AS SELECT * FROM arriving")
        connection.execute(_view_of_labels(schema, apart))
        # A key has one current row, so only labels that came apart from their rows need to be grouped by key.
        rows = connection.sql(
            f"""
            WITH apart AS (
                SELECT {key}, max({rank}) FILTER ({_CURRENT}) AS {_RANK},
                       arg_max({LABEL}, {rank}) FILTER ({_CURRENT}) AS {LABEL},
                       max({LABEL_KNOWN_AT}) FILTER ({_CURRENT}) AS {KNOWN_AT}, min({_COUNTS_FROM}) AS {FIRST_KNOWN_AT}
                FROM labels {"" if only is None else f"SEMI JOIN accepted USING ({key})"}
                WHERE {_COUNTS_FROM} <= $as_of::TIMESTAMPTZ GROUP BY {key}
            ),
            own AS (
                SELECT accepted.* EXCLUDE ({target}, {LABEL_KNOWN_AT}) REPLACE (arrivals.{ARRIVED_AT} AS {ARRIVED_AT}),
                       {target} AS {_OWN}, {_PLACE},
                       CASE WHEN {target} IS NOT NULL AND {LABEL_KNOWN_AT} <= $as_of::TIMESTAMPTZ
                            THEN {LABEL_KNOWN_AT} END AS {_OWN_KNOWN}
                FROM accepted JOIN arrivals ON accepted.{BATCH} = arrivals.{BATCH}
            ),
            joined AS (
                SELECT own.* EXCLUDE ({_OWN}, {_OWN_KNOWN}, {_PLACE}),
                       CASE WHEN {_OWN_KNOWN} IS NOT NULL AND ({_RANK} IS NULL OR {own_rank} > {_RANK})
                            THEN {_OWN} ELSE {LABEL} END AS {LABEL},
                       greatest({_OWN_KNOWN}, {KNOWN_AT}) AS {KNOWN_AT},
                       least(CASE WHEN {_OWN_KNOWN} IS NOT NULL THEN greatest({_OWN_KNOWN}, {ARRIVED_AT}) END,
                             {FIRST_KNOWN_AT}) AS {FIRST_KNOWN_AT}
                FROM own LEFT JOIN apart USING ({key})
            )
            SELECT * FROM joined {f"WHERE {LABEL} IS NOT NULL" if labelled else ""}
            """,
            params={"as_of": write_instant(known.as_of)},
        ).to_arrow_reader(_ROWS_OF_A_PART)
        yield rows.schema.empty_table()
        yield from map(pa.table, rows)


def _counts(own: Any, at: Any, known: Known) -> Any:
    """Whether a row's own label was known at `known.as_of`, never null. own, at: columns, or fields as expressions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    as_of = pa.scalar(instant(write_instant(known.as_of)), pa.timestamp("us", tz="UTC"))
    return pc.coalesce(pc.and_kleene(pc.is_valid(own), pc.less_equal(at, as_of)), pa.scalar(False))


def _with_own_labels(accepted: pa.Table, schema: Schema, known: Known) -> pa.Table:
    """As the query of `read_parts` if every label came with its row: nothing to join, so it takes half the time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(accepted[BATCH], value_set=pa.array([batch.batch for batch in known.batches], pa.string()))
    if place.null_count:
        accepted, place = accepted.filter(place.is_valid()), place.drop_null()
    moments = pa.array([instant(batch.arrived_at) for batch in known.batches], pa.timestamp("us", tz="UTC"))
    arrived = moments.take(place.combine_chunks())
    own, at = accepted[schema.target], accepted[LABEL_KNOWN_AT]
    counts = _counts(own, at, known)
    no_label, no_time = pa.scalar(None, own.type), pa.scalar(None, arrived.type)
    rows = accepted.set_column(accepted.column_names.index(ARRIVED_AT), ARRIVED_AT, arrived)
    rows = rows.drop_columns([schema.target, LABEL_KNOWN_AT])
    rows = rows.append_column(LABEL, pc.if_else(counts, own, no_label))
    rows = rows.append_column(KNOWN_AT, pc.if_else(counts, at, no_time))
    return rows.append_column(
        FIRST_KNOWN_AT, pc.if_else(counts, pc.if_else(pc.greater(at, arrived), at, arrived), no_time)
    )


def _in_order(tables: list[pa.Table], key: Sequence[str]) -> pa.Table:
    """The rows of all tables in key order. The list is emptied, so that no row is in memory twice.

    Parts that are in order themselves and do not overlap, as batches do whose key begins with their time, are only put
    one after another: copying all rows takes longer than looking.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    by_key = [(name, "ascending") for name in key]
    schema, parts = tables[0].schema, [part for table in tables for part in table.to_batches() if part.num_rows]
    tables.clear()
    if len(parts) > 1:
        firsts = pa.Table.from_batches([part.select(key).slice(0, 1) for part in parts])
        parts = [parts[place] for place in pc.sort_indices(firsts, by_key).to_pylist()]
    rows = pa.Table.from_batches(parts, schema)
    del parts
    order = pc.sort_indices(rows, by_key).to_numpy()
    if (order[1:] > order[:-1]).all():
        return rows
    columns = {}
    for name in rows.column_names:
        columns[name] = rows[name].combine_chunks().take(pa.array(order))
        rows = rows.drop_columns([name])
    return pa.table(columns, schema)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Stored rows in pandas. Integers with nulls become floats, as models expect, unless that would change a value.

    table: is used up, column by column, so that no row is in memory twice.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    exact = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_int64(column.type) and column.null_count:
            ends = pc.min_max(column)
            if any(abs(each.as_py() or 0) > EXACT for each in ends.values()):
                exact[name] = pd.Int64Dtype().__from_arrow__(column)
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    for name, values in exact.items():
        frame[name] = pd.Series(values, index=frame.index)
    return frame


def content(rows: pd.DataFrame) -> pd.DataFrame:
    """The content that is digested: everything except arrival times and columns without any value.

    A table gets a new column with the first batch that has it, which must not change the digest of earlier batches.
    """
    return rows.drop(columns=[ARRIVED_AT, *(name for name in rows.columns if rows[name].isna().all())])


def next_label(tables: Tables, usecase: str, schema: Schema, known: Known) -> datetime | None:
    """When the next stored label begins to count; None if there is none."""
    accepted = tables.stream(usecase, "accepted", list(known.batch_ids), _label_columns(schema))
    if accepted is None:
        return None
    labels = {_OWN: accepted, **_label_streams(tables, usecase, schema, known)}
    with tables.joining(arrivals=_arrivals(known), **labels) as connection:
        connection.execute(_view_of_labels(schema, labels))
        row = connection.execute(
            f"SELECT epoch_us(min({_COUNTS_FROM})) FROM labels WHERE {_CURRENT} AND {_COUNTS_FROM} > ?::TIMESTAMPTZ "
            f"AND {_COUNTS_FROM} < ?::TIMESTAMPTZ",
            [write_instant(known.as_of), write_instant(NEVER)],
        ).fetchone()
    microseconds = row[0] if row else None
    return None if microseconds is None else from_microseconds(microseconds)


def _label_streams(tables: Tables, usecase: str, schema: Schema, known: Known) -> dict[str, Stream]:
    """Labels that came apart from their current rows: in separate files, and with revisions that were replaced."""
    columns = _label_columns(schema)
    late = tables.stream(usecase, "labels", list(known.label_batch_ids), columns) if known.label_batches else None
    former = tables.stream(usecase, "accepted", [b.batch for b in known.replaced], columns) if known.replaced else None
    return {name: stream for name, stream in ((_LATE, late), (_FORMER, former)) if stream is not None}


def _arrivals(known: Known) -> pa.Table:
    """When each batch arrived and its position, from the ledger: a crash between table and ledger changes neither."""
    import pyarrow as pa

    entries: list[BatchEntry | LabelBatchEntry] = [*known.replaced, *known.batches, *known.label_batches]
    return pa.table(
        {
            BATCH: pa.array([entry.batch for entry in entries], pa.string()),
            ARRIVED_AT: pa.array([instant(e.arrived_at) for e in entries], pa.timestamp("us", tz="UTC")),
            _PLACE: pa.array(range(len(entries)), pa.int64()),
        }
    )


def _view_of_labels(schema: Schema, names: Iterable[str]) -> str:
    """The view `labels`: every label of the relations with these names, whenever it counts.

    Each has the key, `LABEL`, when it became known, when it arrived, its position in the ledger, since when it counts,
    and whether it is current, which labels of a replaced revision are not.
    """
    key = ", ".join(quoted(name) for name in schema.key)
    select = f"SELECT {key}, {quoted(schema.target)} AS {LABEL}, {LABEL_KNOWN_AT}, {BATCH},"
    sources = " UNION ALL ".join(f"{select} {name != _FORMER} AS {_CURRENT} FROM {name}" for name in names)
    return f"""
        CREATE TEMP VIEW labels AS
        SELECT *, greatest({LABEL_KNOWN_AT}, {ARRIVED_AT}) AS {_COUNTS_FROM}
        FROM ({sources}) JOIN arrivals USING ({BATCH})
        WHERE {LABEL} IS NOT NULL AND {LABEL_KNOWN_AT} IS NOT NULL
        """


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


def weights_of(rows: pd.DataFrame, schema: Schema) -> np.ndarray | None:
    """How much each row counts, shape (n,), in the column's unit; None if no weight is declared."""
    return None if schema.weight is None else rows[schema.weight].to_numpy(dtype="float64")
