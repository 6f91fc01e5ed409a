"""The time of each row of a file that is cut into batches by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.sources.day_order import both_orders
from perennial.sources.epochs import epoch_hint
from perennial.sources.typed_column import read_timestamps
from perennial.sources.written import Written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

OTHER_ORDER = "source.read applies to all files: write this one like the others, or its dates as 2024-12-31"
MOST_UNREADABLE = 0.01
"""The share of a file's rows that may lack a readable time: more, and the column is not the one that was meant."""


def row_times(times: pa.ChunkedArray, time: str, timezone: str, path: Path, how: Written) -> pd.Series:
    """The time of each row. A single row without one goes with the row before it, and is set aside in that batch."""
    instants, bad = read_timestamps(times, timezone, how)
    lost = int(instants.isna().sum())
    skipped = read_timestamps(times, "UTC", how)[0].notna() & bad.notna() if lost else bad.notna()
    if lost <= MOST_UNREADABLE * len(instants) and not skipped.any():
        return instants.ffill().bfill()
    way_out = "correct them, or use `batch: file`, where such rows are set aside with the reason"
    first = "they are empty"
    if bad.notna().any():
        first = f"the first is {bad.dropna().iloc[0]!r}{epoch_hint(bad.dropna().iloc[0])}"
        if skipped[bad.notna()].iloc[0]:
            first += f", an hour that the clocks of {timezone} skip"
            way_out = f"is the data in UTC? Then write `timezone: UTC` under schema; else {way_out}"
    both = both_orders(times, timezone, how)
    if both is not None:
        first, way_out = both.words, f"{OTHER_ORDER}; if all are written so, correct source.read"
    raise InputError(f"{path}: {lost} of {len(instants)} rows have no readable time in '{time}'; {first}\n  {way_out}")
