"""Keys of rows that a challenger newly gets wrong, kept outside the ledger so that a row can be erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.fault_points import write
from perennial.our_columns import BATCH, ROW
from perennial.store.tables import Tables

if TYPE_CHECKING:
    import pandas as pd


def keep_newly_wrong(tables: Tables, usecase: str, decision: str, keys: pd.DataFrame) -> None:
    """Store the keys of a decision's examples, once. keys: the key columns, in display order."""
    import pyarrow as pa

    if keys.empty:
        return
    columns = {name: [str(value) for value in keys[name]] for name in keys.columns}
    with write("flips_table"):
        table = pa.table({**columns, ROW: list(range(len(keys))), BATCH: [decision] * len(keys)})
        tables.append(usecase, "flips", table, decision)


def newly_wrong_of(tables: Tables, usecase: str, decision: str) -> list[dict[str, str]]:
    """The keys of a decision's examples as text, in display order."""
    table = tables.read(usecase, "flips", [decision])
    rows = sorted(table.to_pylist(), key=lambda row: row[ROW]) if table is not None else []
    return [{name: value for name, value in row.items() if name not in (ROW, BATCH)} for row in rows]
