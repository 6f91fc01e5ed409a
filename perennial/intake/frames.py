"""Rows of a batch in the shape of the tables: declared columns with declared types, and the added columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from perennial.local_time import later
from perennial.our_columns import ARRIVED_AT, BATCH, LABEL_KNOWN_AT, RAW, REASONS, ROW
from perennial.sources.column_type import ColumnType
from perennial.sources.typed_column import arrow_type
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def accepted_table(
    rows: pd.DataFrame, declaration: Declaration, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime
) -> pa.Table:
    """Accepted rows as the table holds them: declared columns, `ROW`, `BATCH`, `ARRIVED_AT`, `LABEL_KNOWN_AT`.

    rows: the index is the row's position in the batch as it arrived.
    """
    schema = declaration.schema_
    known = rows[schema.label_known_at] if schema.label_known_at else later(rows[schema.time], schema.label_known_after)
    whole = rows.assign(**{ROW: rows.index, LABEL_KNOWN_AT: known})
    return _stamped(whole, {**types, ROW: "integer", LABEL_KNOWN_AT: "timestamp"}, batch, arrived_at)


def labels_table(
    rows: pd.DataFrame, declaration: Declaration, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime
) -> pa.Table:
    """Labels from a separate file, as the table holds them. rows: key, target, `LABEL_KNOWN_AT`."""
    return _stamped(rows, {**types, LABEL_KNOWN_AT: "timestamp"}, batch, arrived_at)


def quarantine_table(rows: pd.DataFrame, batch: str, arrived_at: datetime) -> pa.Table:
    """Rows set aside as the table holds them: `ROW`, `REASONS` and `RAW`, the texts as they arrived."""
    return _stamped(rows, {ROW: "integer", REASONS: "text", RAW: "text"}, batch, arrived_at)


def _stamped(rows: pd.DataFrame, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime) -> pa.Table:
    import pyarrow as pa

    columns = {name: arrow_column(rows[name], kind) for name, kind in types.items()}
    columns[BATCH] = pa.repeat(pa.scalar(batch, pa.string()), len(rows))
    columns[ARRIVED_AT] = pa.repeat(pa.scalar(arrived_at, pa.timestamp("us", tz="UTC")), len(rows))
    return pa.table(columns)


def arrow_column(values: pd.Series, kind: ColumnType) -> pa.Array:
    """A column as the tables hold one of its declared type."""
    import pyarrow as pa

    return pa.Array.from_pandas(_exact(values, kind), type=arrow_type(kind), safe=False)


def _exact(values: pd.Series, kind: ColumnType) -> pd.Series:
    """Whole numbers one by one where pandas holds them as something else, which may have passed through floats."""
    import pandas as pd

    return values.astype("object") if kind == "integer" and not pd.api.types.is_integer_dtype(values.dtype) else values
