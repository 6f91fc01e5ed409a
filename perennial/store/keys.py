"""Keys of accepted rows: which were accepted before, and which late labels belong to none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.our_columns import BATCH, PREFIX, ROW
from perennial.store.known import Known
from perennial.store.stream import Range, quoted
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
    tables: Tables, usecase: str, schema: Schema, known: Known, window: str, frame: pd.DataFrame
) -> pd.Series | None:
    """For each row of `frame`, the other window in which its key was accepted, or null; None if that is all.

    Earlier revisions of the same window do not count, because a restatement has the same keys again. The keys of the
    frame are in memory, not those of the history, of which only those between the least and the greatest of the frame
    are read: of keys that grow with time, few.
    """
    import pandas as pd
    import pyarrow as pa

    key, others = list(schema.key), [batch for batch in known.batches if batch.window != window]
    if not others or any(name not in frame.columns for name in key):
        return None
    ranges = [each for name in key if (each := _range(name, frame[name])) is not None]
    before = tables.stream(usecase, "accepted", [batch.batch for batch in others], [*key, BATCH], ranges=ranges)
    if before is None:
        return None
    columns = ", ".join(quoted(name) for name in key)
    arriving = pa.Table.from_pandas(frame[key].assign(**{ROW: frame.index}), preserve_index=False)
    places = _places({batch.batch: place for place, batch in enumerate(others)})
    with tables.joining(before=before, arriving=arriving, places=places) as connection:
        met = connection.sql(
            f"""
            SELECT {ROW}, min({_PLACE})
            FROM before JOIN arriving USING ({columns}) JOIN places USING ({BATCH}) GROUP BY {ROW}
            """
        ).fetchall()
    if not met:
        return None
    return pd.Series({row: others[place].window for row, place in met}, dtype="str").reindex(frame.index)


def _range(name: str, keys: pd.Series) -> Range | None:
    """Between which keys those of the history can be met; None where their order is not that of the table."""
    from pandas import api

    present = keys.dropna()
    if present.empty:
        return None
    low, high = present.min(), present.max()
    if isinstance(low, str) and isinstance(high, str):
        return Range(name, low, high)
    whole = api.types.is_integer_dtype(present.dtype)
    return Range(name, int(low), int(high)) if whole else None


def _places(places: dict[str, int]) -> pa.Table:
    import pyarrow as pa

    return pa.table({BATCH: pa.array(places.keys(), pa.string()), _PLACE: pa.array(places.values(), pa.int64())})
