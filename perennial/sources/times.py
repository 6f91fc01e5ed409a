"""Texts and times of a file as instants, and what microseconds between the years 1 and 9999 do not hold of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.local_time import FIRST_US, LAST_US, exact_instants, inside_calendar
from perennial.sources.dates import AS_WRITTEN, DateOrder, as_iso

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_DATE = r"^\d{4}(-\d{2}(-\d{2})?)?$|^\d{8}$"
_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?$"
_ZONED = r"^(\d{4}-\d{2}-\d{2}[T ]\d{2}(?::\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)?) ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)$"
_FINE = r"^.*[.,]\d{6}(\d{1,3}).*$"
_IN_MICROSECONDS = {"s": 10**6, "ms": 10**3, "us": 1}
_DAY = 86_400 * 10**6


def is_time(values: pa.Array) -> bool:
    """Whether a column of a file holds times already."""
    import pyarrow as pa

    return bool(pa.types.is_timestamp(values.type) or pa.types.is_date(values.type))


def read_times(texts: pa.Array, timezone: str, order: DateOrder = AS_WRITTEN) -> tuple[pa.Array, pa.Array]:
    """Texts as instants, null where they are no time, and what the instants lost of them: see `_kept`."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pa.scalar(None, pa.string())
    texts = as_iso(texts, order)
    # pandas has a year 0, the calendar has none.
    texts = pc.if_else(pc.starts_with(texts, "0000"), nothing, texts)
    zoned = pc.match_substring_regex(texts, _ZONED).fill_null(False)
    local = pc.match_substring_regex(texts, f"{_DATE}|{_TIME}").fill_null(False)
    fine = pc.if_else(pc.and_(pc.or_(zoned, local), pc.match_substring_regex(texts, _FINE)), texts, nothing)
    nanoseconds = pc.utf8_rpad(pc.replace_substring_regex(fine, _FINE, r"\1"), 3, padding="0").cast(pa.int64())
    texts = pc.replace_substring_regex(texts, r"[.,](\d{1,6})\d*", r".\1")
    plain = pc.replace_substring_regex(pc.if_else(zoned, texts, nothing), _ZONED, r"\1\2")
    plain = pc.replace_substring(plain, "UTC", "Z")
    instants = pd.to_datetime(_strings(plain), format="ISO8601", utc=True, errors="coerce").dt.tz_convert(None)
    naive = pd.to_datetime(_strings(pc.if_else(local, texts, nothing)), format="ISO8601", errors="coerce")
    exact = instants.dt.as_unit("us").fillna(pd.Series(exact_instants(naive, timezone)))
    return _kept(exact.to_numpy(dtype="datetime64[us]"), nanoseconds.fill_null(0).to_numpy())


def epochs_of(counts: pa.Array, unit: str) -> tuple[pa.Array, pa.Array]:
    """Whole numbers of a unit since 1970 as instants; see `times_of`."""
    import pyarrow as pa

    return times_of(counts.cast(pa.int64()).cast(pa.timestamp(unit, "UTC")), "UTC")


def times_of(values: pa.Array, timezone: str) -> tuple[pa.Array, pa.Array]:
    """Times of a file as instants, null outside the years 1 to 9999, and what the instants lost: see `_kept`."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    kind = values.type
    aware = pa.types.is_timestamp(kind) and kind.tz is not None
    counts = values.cast(pa.int32()) if pa.types.is_date32(kind) else values.cast(pa.int64())
    numbers = counts.fill_null(0).to_numpy().astype(np.int64)
    null = values.is_null().to_numpy(zero_copy_only=False)
    nanoseconds = np.zeros_like(numbers)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        numbers, nanoseconds = numbers // 1000, numbers % 1000
    else:
        size = _IN_MICROSECONDS["ms" if pa.types.is_date64(kind) else kind.unit] if counts.type == pa.int64() else _DAY
        # A local time of the last day may be in the next year in UTC.
        reach = _DAY if aware else 0
        null |= (numbers < (FIRST_US - reach) // size) | (numbers > (LAST_US + reach) // size)
        numbers = np.where(null, 0, numbers) * size
    exact = numbers.view("datetime64[us]")
    exact[null] = np.datetime64("NaT")
    return _kept(exact if aware else exact_instants(pd.Series(exact), timezone), nanoseconds)


def _kept(exact: np.ndarray, nanoseconds: np.ndarray) -> tuple[pa.Array, pa.Array]:
    """Instants inside the calendar, and as texts the nanoseconds by which they are off, null where they are not.

    exact: datetime64[us], nulls kept. nanoseconds: what follows the microseconds, 0 to 999.
    """
    import numpy as np
    import pyarrow as pa

    kept = inside_calendar(exact)
    null = np.isnat(exact)
    off = np.where(null, 0, (exact - kept).astype(np.int64) * 1000 + nanoseconds)
    texts = pa.array(off, mask=off == 0).cast(pa.string()) if off.any() else pa.nulls(len(off), pa.string())
    return pa.array(kept, pa.timestamp("us"), from_pandas=True).cast(pa.timestamp("us", "UTC")), texts


def _strings(texts: pa.Array) -> pd.Series:
    return texts.to_pandas().astype("str")
