"""Identities made from content, so that doing a thing twice is doing it once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SHORT = 16


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value: sorted keys, no spaces, floats as Python's shortest repr.

    Raises ValueError for NaN and infinities: unknown is None, never a number.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """sha256 (hex, 64 characters) of a JSON value's canonical spelling."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def short_id(value: Any) -> str:
    """The first 16 hex digits of `digest`: an id a person can copy."""
    return digest(value)[:SHORT]


def digest_bytes(data: bytes) -> str:
    """sha256 (hex) of bytes."""
    return hashlib.sha256(data).hexdigest()


def digest_folder(folder: Path) -> str:
    """sha256 (hex) over the relative names and bytes of every file below `folder`, in name order."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def digest_rows(rows: pd.DataFrame, key: list[str]) -> str:
    """sha256 (hex) of a frame's values in key order: the same for any file layout or row order.

    rows: columns of numbers, booleans, text or timestamps; nulls of every spelling count as one.
    key: columns whose values order the rows (unique together for the order to be total).
    Floats count by their bits (-0.0 as 0.0), timestamps by their nanoseconds in UTC.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    ordered = rows.sort_values(key, kind="stable") if len(rows) else rows
    total = hashlib.sha256(str(len(ordered)).encode())
    for name in sorted(ordered.columns):
        column = ordered[name]
        null = column.isna().to_numpy()
        total.update(f"|{name}|".encode())
        total.update(np.packbits(null).tobytes())
        if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
            utc = column.dt.tz_convert("UTC") if column.dt.tz is not None else column
            values = utc.astype("datetime64[ns, UTC]" if column.dt.tz is not None else "datetime64[ns]")
            numbers = values.to_numpy(dtype="datetime64[ns]").astype(np.int64)
            total.update(np.where(null, 0, numbers).tobytes())
        elif column.dtype.kind in "fiub" or pd.api.types.is_numeric_dtype(column.dtype):
            floats = column.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
            total.update((np.where(null, 0.0, floats) + 0.0).tobytes())
        else:
            text = pa.array(column, type=pa.large_string(), from_pandas=True)
            whole = pc.fill_null(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text, "")
            if len(whole):
                _, offsets, characters = whole.buffers()
                ends = np.frombuffer(offsets, dtype=np.int64)[whole.offset : whole.offset + len(whole) + 1]
                total.update(np.diff(ends).tobytes())
                total.update(memoryview(characters)[ends[0] : ends[-1]] if characters else b"")
    return total.hexdigest()
