"""Rows that are exact copies of another row of their batch, over all columns but the row number that pandas writes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perennial.sources.delimited import text_table
from perennial.sources.parsing import matched
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.suffix import Suffix
from perennial.sources.workbook import sheet_table
from perennial.usecase.drafting.row_numbers import is_row_number

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def copies_in(
    data: Callable[[], bytes], suffix: Suffix, frame: pd.DataFrame, key: tuple[str, ...], read: ReadOptions = PLAIN
) -> dict[int, int]:
    """Row → the first row that it is a copy of, over all columns, also undeclared ones that are no row number.

    data: reads the batch's bytes again, which is needed only if a key occurs more than once. frame: its typed rows,
    numbered 0..n-1 in the order of arrival. read: how they are written.
    """
    if any(name not in frame.columns for name in key):
        return {}
    keys = frame[list(key)]
    candidates = frame.index[keys.duplicated(keep=False) & keys.notna().all(axis=1)].to_list()
    if not candidates:
        return {}
    first: dict[tuple[Any, ...], int] = {}
    copies = {}
    whole = _whole(data(), suffix, read)
    declared = set(matched(whole.column_names, list(frame.columns)).values())
    # A row's number in the table that it was exported from is not part of its content.
    places = [n for n, name in enumerate(whole.column_names) if name in declared or not is_row_number(name)]
    columns = whole.select(places).take(candidates).to_pydict().values()
    for row, values in zip(candidates, zip(*(map(repr, column) for column in columns), strict=True), strict=True):
        if first.setdefault(values, row) != row:
            copies[row] = first[values]
    return copies


def _whole(data: bytes, suffix: Suffix, read: ReadOptions) -> pa.Table:
    import pyarrow.parquet as pq

    if suffix == ".csv":
        return text_table(data, nulls=False, read=read)
    return sheet_table(data, read) if suffix == ".xlsx" else pq.read_table(io.BytesIO(data))
