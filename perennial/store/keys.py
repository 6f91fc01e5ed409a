"""Keys of accepted rows: which were accepted before, and which late labels belong to none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.our_columns import BATCH, PREFIX, ROW
from perennial.sources.batch_rows import BatchRows, column_parts
from perennial.store.known import Known
from perennial.store.stream import Range, Stream, quoted
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PLACE = f"{PREFIX}place"


@dataclass(frozen=True)
class Unmatched:
    """Labels from separate files whose key no row has. keys: some of them, the first that arrived first."""

    count: int
    keys: tuple[tuple[Any, ...], ...]


def labels_without_row(tables: Tables, usecase: str, schema: Schema, known: Known, most: int = 1) -> Unmatched | None:
    """Keys of late labels that match no row so far; None if all match. most: how many keys are named.

    Only key columns are read. Later rows may still match them.
    """
    key = list(schema.key)
    late = tables.stream(usecase, "labels", list(known.label_batch_ids), [*key, BATCH])
    accepted = tables.stream(usecase, "accepted", list(known.batch_ids), key)
    if late is None or accepted is None:
        return None
    places = _places({batch: place for place, batch in enumerate(known.label_batch_ids)})
    columns = ", ".join(quoted(name) for name in key)
    with tables.joining(arriving=late, accepted=accepted, places=places) as connection:
        connection.execute(
            f"""
            CREATE TEMP TABLE late AS
            SELECT {columns}, min({_PLACE}) AS {_PLACE} FROM arriving JOIN places USING ({BATCH}) GROUP BY {columns}
            """
        )
        connection.execute(f"CREATE TEMP TABLE met AS SELECT {columns} FROM accepted SEMI JOIN late USING ({columns})")
        unmatched = connection.sql(
            f"""
            SELECT {columns}, count(*) OVER () AS {ROW} FROM late ANTI JOIN met USING ({columns})
            ORDER BY {_PLACE}, {columns} LIMIT {most}
            """
        ).fetchall()
    if not unmatched:
        return None
    return Unmatched(unmatched[0][-1], tuple(row[:-1] for row in unmatched))


def accepted_in(
    tables: Tables, usecase: str, schema: Schema, known: Known, window: str, batch: BatchRows
) -> pd.Series | None:
    """Row → the other window in which its key was accepted, for the rows with such a key; None if there are none.

    Earlier revisions of the same window do not count, because a restatement has the same keys again. The keys are read
    part by part. Of the history, only those between the least and the greatest of the batch are: of keys that grow with
    time, few.
    """
    import pandas as pd
    import pyarrow as pa

    key, others = list(schema.key), [each for each in known.batches if each.window != window]
    if not others or any(name not in batch.names for name in key):
        return None
    ranges = [each for name in key if (each := _range(name, column_parts(batch, name))) is not None]
    before = tables.stream(usecase, "accepted", [batch.batch for batch in others], [*key, BATCH], ranges=ranges)
    if before is None:
        return None
    columns = ", ".join(quoted(name) for name in key)
    places = _places({each.batch: place for place, each in enumerate(others)})
    with tables.joining(before=before, arriving=_numbered(batch, key), places=places) as connection:
        met = connection.sql(
            f"""
            SELECT {ROW}, min({_PLACE}) AS {_PLACE}
            FROM before JOIN arriving USING ({columns}) JOIN places USING ({BATCH}) GROUP BY {ROW} ORDER BY {ROW}
            """
        ).to_arrow_table()
    if not met.num_rows:
        return None
    names = pa.array([each.window for each in others], pa.string())
    return pd.Series(names.take(met[_PLACE]).to_pandas().to_numpy(), index=met[ROW].to_pandas(), dtype="str")


def _numbered(batch: BatchRows, key: list[str]) -> Stream:
    """The keys of a batch beside the numbers of their rows."""
    import pyarrow as pa

    def table(part: pd.DataFrame) -> pa.Table:
        return pa.Table.from_pandas(part.assign(**{ROW: part.index}), preserve_index=False)

    return Stream(table(batch.taken([]).frame[key]).schema, map(table, batch.parts(key)))


def _range(name: str, keys: Iterator[pd.Series]) -> Range | None:
    """Between which keys those of the history can be met; None where their order is not that of the table."""
    from pandas import api

    ends = [(known.min(), known.max(), known.dtype) for part in keys if len(known := part.dropna())]
    if not ends:
        return None
    low, high = min(low for low, _, _ in ends), max(high for _, high, _ in ends)
    if isinstance(low, str) and isinstance(high, str):
        return Range(name, low, high)
    whole = api.types.is_integer_dtype(ends[0][2])
    return Range(name, int(low), int(high)) if whole else None


def _places(places: dict[str, int]) -> pa.Table:
    import pyarrow as pa

    return pa.table({BATCH: pa.array(places.keys(), pa.string()), _PLACE: pa.array(places.values(), pa.int64())})
