"""Rows as they were known at a moment: which batches count, which label each row had by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from perennial.clock import instant, write_instant
from perennial.errors import InputError
from perennial.ledger.entries import BatchEntry, LabelBatchEntry
from perennial.ledger.ledger import Ledger
from perennial.our_columns import ARRIVED_AT, BATCH, FIRST_KNOWN_AT, KNOWN_AT, LABEL, LABEL_KNOWN_AT, PREFIX, ROW
from perennial.sources.numbers import EXACT
from perennial.store.tables import Tables
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


_WINDOW = f"{PREFIX}window"


@dataclass(frozen=True)
class Known:
    """What the ledger has committed by `as_of`: the batches that count and the label batches, by id."""

    as_of: datetime
    batches: tuple[BatchEntry, ...]
    label_batches: tuple[LabelBatchEntry, ...]

    @property
    def batch_ids(self) -> tuple[str, ...]:
        """Ids of the batches, in the order of their windows."""
        return tuple(b.batch for b in self.batches)

    @property
    def label_batch_ids(self) -> tuple[str, ...]:
        """Ids of the label batches, in the order of arrival."""
        return tuple(b.batch for b in self.label_batches)


def known_at(ledger: Ledger, usecase: str, as_of: datetime) -> Known:
    """What counts at `as_of`: of each window the newest accepted revision that had arrived by then."""
    newest: dict[str, BatchEntry] = {}
    for row in ledger.all(usecase, BatchEntry):
        batch = row.payload
        if batch.status == "accepted" and instant(batch.arrived_at) <= as_of:
            newest[batch.window] = batch
    labels = [r.payload for r in ledger.all(usecase, LabelBatchEntry) if instant(r.payload.arrived_at) <= as_of]
    return Known(as_of, tuple(sorted(newest.values(), key=lambda b: (b.end, b.window))), tuple(labels))


def read_rows(
    tables: Tables, usecase: str, schema: Schema, known: Known, only: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Accepted rows in key order, each with the label that was known at `known.as_of`.

    only: ids of the batches wanted; all of `known` where None.
    Adds `LABEL` (null where none was known yet), `KNOWN_AT` (when the label that won became known) and
    `FIRST_KNOWN_AT` (when the first one did). The latest known label wins; between two known at the same
    moment the one that arrived later. The row's own target column is left out: only `LABEL` may be used.
    """
    import duckdb

    batches = list(known.batch_ids if only is None else only)
    accepted = tables.read(usecase, "accepted", batches)
    late = tables.read(usecase, "labels", list(known.label_batch_ids))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if accepted is None:
            raise LookupError(f"{usecase}: no accepted table yet")
        connection.register("accepted", accepted)
        key = ", ".join(_quoted(name) for name in schema.key)
        target = _quoted(schema.target)
        taken = f"SELECT {key}, {target} AS {LABEL}, {LABEL_KNOWN_AT}, {ARRIVED_AT}"
        sources = [f"{taken} FROM accepted"]
        if late is not None:
            connection.register("late", late)
            sources.append(f"{taken} FROM late")
        frame = connection.sql(
            f"""
            WITH labels AS ({" UNION ALL ".join(sources)}),
            known AS (
                SELECT {key}, arg_max({LABEL}, ({LABEL_KNOWN_AT}, {ARRIVED_AT})) AS {LABEL},
                       max({LABEL_KNOWN_AT}) AS {KNOWN_AT}, min({LABEL_KNOWN_AT}) AS {FIRST_KNOWN_AT}
                FROM labels WHERE labels.{LABEL} IS NOT NULL AND {LABEL_KNOWN_AT} <= ?::TIMESTAMPTZ GROUP BY {key}
            )
            SELECT accepted.* EXCLUDE ({target}, {LABEL_KNOWN_AT}), {LABEL}, {KNOWN_AT}, {FIRST_KNOWN_AT}
            FROM accepted LEFT JOIN known USING ({key}) ORDER BY {key}
            """,
            params=[write_instant(known.as_of)],
        ).to_arrow_table()
    return frame_of(frame)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Stored rows in pandas. Integers with nulls are floats, as models take them, unless floats would alter one."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    frame = table.to_pandas()
    for name in table.column_names:
        column = table[name]
        if pa.types.is_int64(column.type) and column.null_count:
            ends = pc.min_max(column)
            if any(abs(each.as_py() or 0) > EXACT for each in ends.values()):
                frame[name] = pd.Series(column, dtype=pd.Int64Dtype(), index=frame.index)
    return frame


def content(rows: pd.DataFrame) -> pd.DataFrame:
    """What a digest of rows is made of: all but when they arrived, and columns without any value.

    A table gets a new column with the first batch that has it; of the batches before, that is no change.
    """
    return rows.drop(columns=[ARRIVED_AT]).dropna(axis="columns", how="all")


def labels_of(rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """The labels as numbers, shape (n,): as they are, or each one's place in `schema.classes`, from 0.

    rows: with `LABEL`, never null. Raises InputError for a label that is no longer among the classes.
    """
    import numpy as np

    if schema.task != "multiclass":
        return rows[LABEL].to_numpy(dtype=np.float64)
    places = {value: place for place, value in enumerate(schema.classes)}
    found: np.ndarray = rows[LABEL].map(places).to_numpy(dtype=np.float64)
    if np.isnan(found).any():
        gone = rows[LABEL][np.isnan(found)].iloc[0]
        raise InputError(
            f"schema.classes: {int(np.isnan(found).sum()):,} accepted rows are labelled otherwise, for example "
            f"{gone!r}. Add it to the classes."
        )
    return found


def accepted_in(
    tables: Tables, usecase: str, schema: Schema, known: Known, window: str, frame: pd.DataFrame
) -> pd.Series | None:
    """For each row of `frame`, the other window its key was accepted in before, else null; None if none ever was.

    Earlier revisions of the same window do not count: a restatement brings the same keys again.
    """
    others = {b.batch: b.window for b in known.batches if b.window != window}
    table = tables.read(usecase, "accepted", list(others), columns=[*schema.key, BATCH]) if others else None
    if table is None or any(name not in frame.columns for name in schema.key):
        return None
    before = table.to_pandas()
    before[_WINDOW] = before.pop(BATCH).map(others)
    met = (
        frame[list(schema.key)]
        .reset_index(names=ROW)
        .merge(before.drop_duplicates(list(schema.key)), on=list(schema.key), how="left")
    )
    return met.set_index(ROW)[_WINDOW].reindex(frame.index)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
