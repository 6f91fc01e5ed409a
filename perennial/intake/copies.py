"""Rows that are exact copies of another row of their batch, over all columns but the row number that pandas writes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.sources.batch_rows import BatchRows
from perennial.sources.csv_in_parts import CsvFile
from perennial.sources.delimited import text_table
from perennial.sources.parquet_file import unheld
from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.sources.reading import matched
from perennial.sources.stored import Stored
from perennial.sources.suffix import Suffix
from perennial.sources.twins import twins_in
from perennial.sources.workbook import sheet_table
from perennial.usecase.drafting.row_numbers import is_row_number

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PART = 2**16
"""Rows of a file that are read at a time."""


def copies_in(
    data: Callable[[], bytes] | Path | CsvFile,
    suffix: Suffix,
    batch: BatchRows,
    key: tuple[str, ...],
    read: ReadOptions = PLAIN,
) -> dict[int, int]:
    """Row → the first row that it is a copy of, over all columns, also undeclared ones that are no row number.

    data: reads the batch's bytes again, which is needed only if a key occurs more than once; or its file of Parquet or
    CSV, of which then only those rows are in memory. batch: all its rows. read: how they are written.
    """
    if any(name not in batch.names for name in key):
        return {}
    keys = _repeated(batch, key) if isinstance(batch, Stored) else batch.columns(key).dropna()
    candidates = keys.index[keys.duplicated(keep=False)].to_list()
    if not candidates:
        return {}
    first: dict[tuple[Any, ...], int] = {}
    copies = {}
    if isinstance(data, Path | CsvFile):
        rows = _taken(_parts_of(data), candidates)
    else:
        rows = _whole(data(), suffix, read).take(candidates)
    declared = set(matched(rows.column_names, batch.names).values())
    # A row's number in the table that it was exported from is not part of its content.
    places = [n for n, name in enumerate(rows.column_names) if name in declared or not is_row_number(name)]
    columns = [_comparable(column).to_pylist() for column in rows.select(places).columns]
    for row, values in zip(candidates, zip(*(map(repr, column) for column in columns), strict=True), strict=True):
        if first.setdefault(values, row) != row:
            copies[row] = first[values]
    return copies


def _repeated(batch: Stored, key: tuple[str, ...]) -> pd.DataFrame:
    """The keys that may be there more than once."""
    import pandas as pd

    def keys() -> Iterator[pd.DataFrame]:
        return (part.dropna() for part in batch.parts(key))

    twins = twins_in(keys, len(batch))
    return pd.concat([part.loc[part.index.isin(twins)] for part in keys()]) if twins.size else next(keys()).head(0)


def _comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as their counts: Python has no times beyond the year 9999."""
    import pyarrow as pa

    kind = column.type
    if not pa.types.is_temporal(kind) or pa.types.is_interval(kind):
        return column
    return column.cast(pa.int32() if pa.types.is_date32(kind) or pa.types.is_time32(kind) else pa.int64())


def _whole(data: bytes, suffix: Suffix, read: ReadOptions) -> pa.Table:
    import pyarrow.parquet as pq

    if suffix == ".csv":
        return text_table(data, nulls=False, read=read)
    return sheet_table(data, read) if suffix == ".xlsx" else pq.read_table(io.BytesIO(data))


def _parts_of(file: Path | CsvFile) -> Iterator[pa.Table]:
    import pyarrow as pa

    if isinstance(file, CsvFile):
        yield from file.texts(nulls=False)
        return
    for batch in unheld(file).iter_batches(_PART):
        yield pa.table(batch)


def _taken(parts: Iterable[pa.Table], rows: list[int]) -> pa.Table:
    """Some rows, by their numbers, which ascend."""
    import numpy as np
    import pyarrow as pa

    asked, first, taken = np.array(rows), 0, []
    for part in parts:
        low, high = np.searchsorted(asked, [first, first + part.num_rows])
        taken.append(part.take(asked[low:high] - first))
        first += part.num_rows
    return pa.concat_tables(taken)
