"""Keys of accepted rows: which were accepted before, and which late labels belong to none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.our_columns import BATCH, PREFIX, ROW
from perennial.store.known import Known
from perennial.store.tables import Tables, quoted
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_WINDOW, _PLACE = f"{PREFIX}window", f"{PREFIX}place"


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
    columns = ", ".join(quoted(name) for name in key)
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


def _places(places: dict[str, int]) -> pa.Table:
    import pyarrow as pa

    return pa.table({BATCH: pa.array(places.keys(), pa.string()), _PLACE: pa.array(places.values(), pa.int64())})
