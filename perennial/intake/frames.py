"""Rows of a batch in the shape of the tables: declared columns of declared types, and what we add to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import ColumnType

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def accepted_table(
    rows: pd.DataFrame, declaration: Declaration, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime
) -> pa.Table:
    """Accepted rows as the table holds them: declared columns, `_row`, `_batch`, `_arrived_at`, `_label_known_at`.

    rows: index is the row's place in the batch as it arrived.
    """
    schema = declaration.schema_
    known = rows[schema.label_known_at] if schema.label_known_at else rows[schema.time] + schema.label_known_after
    whole = rows.assign(_row=rows.index, _label_known_at=known)
    return _stamped(whole, {**types, "_row": "integer", "_label_known_at": "timestamp"}, batch, arrived_at)


def labels_table(
    rows: pd.DataFrame, declaration: Declaration, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime
) -> pa.Table:
    """Labels that came in a file of their own, as the table holds them. rows: key, target, `_label_known_at`."""
    return _stamped(rows, {**types, "_label_known_at": "timestamp"}, batch, arrived_at)


def quarantine_table(rows: pd.DataFrame, batch: str, arrived_at: datetime) -> pa.Table:
    """Rows set aside as the table holds them: `_row`, `_reasons` and the raw texts, as they arrived."""
    return _stamped(rows, {"_row": "integer", "_reasons": "text", "raw": "text"}, batch, arrived_at)


def _stamped(rows: pd.DataFrame, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime) -> pa.Table:
    import pyarrow as pa

    arrow: dict[str, Any] = {
        "number": pa.float64(),
        "integer": pa.int64(),
        "text": pa.string(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    columns = {
        name: pa.Array.from_pandas(
            rows[name].astype("object") if kind == "integer" else rows[name], type=arrow[kind], safe=False
        )
        for name, kind in types.items()
    }
    columns["_batch"] = pa.array([batch] * len(rows), pa.string())
    columns["_arrived_at"] = pa.array([arrived_at] * len(rows), arrow["timestamp"])
    return pa.table(columns)
