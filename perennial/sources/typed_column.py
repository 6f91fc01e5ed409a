"""One column of a file read as its declared type, with what was unreadable or is held only nearly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.sources.already_typed import already_typed
from perennial.sources.numbers import inexact_numbers, read_booleans, read_integers, read_numbers
from perennial.sources.times import epochs_of, is_time, read_times, times_of
from perennial.sources.value_texts import as_text, is_text, texts_of, without_nulls
from perennial.sources.written import Written, answers, plain_numbers

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from perennial.sources.column_type import ColumnType


@dataclass(frozen=True)
class ReadColumn:
    """A column as its type, Arrow arrays of shape (n,).

    values: null where nothing or unreadable. bad: the texts that were unreadable, else null.
    inexact: the values that their type holds only nearly; see `Parsed`. None for both where there are none.
    """

    values: pa.Array
    bad: pa.Array | None = None
    inexact: pa.Array | None = None


def read_column(column: Any, kind: ColumnType, timezone: str, how: Written) -> ReadColumn:
    """A pyarrow array or chunked array read as a type. Every value is read by one way whatever its neighbours are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _plain_array(column)
    typed = already_typed(column, kind, timezone, how)
    if typed is None:
        return by_text(column, kind, timezone, how)
    unsure = pc.invert(typed.sure)
    if not pc.any(unsure).as_py():
        return ReadColumn(typed.values, None, typed.inexact)
    rest = by_text(column.filter(unsure), kind, timezone, how)
    nothing = pa.nulls(len(column), pa.string())

    def placed(first: pa.Array | None, then: pa.Array | None) -> pa.Array | None:
        if then is None or then.null_count == len(then):
            return first
        return pc.replace_with_mask(nothing if first is None else first, unsure, then)

    values = pc.replace_with_mask(typed.values, unsure, rest.values)
    return ReadColumn(values, placed(None, rest.bad), placed(typed.inexact, rest.inexact))


def by_text(column: Any, kind: ColumnType, timezone: str, how: Written) -> ReadColumn:
    """A column read from the texts of its values; equal values are read once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _plain_array(column)
    if pa.types.is_nested(column.type) or pa.types.is_duration(column.type) or pa.types.is_interval(column.type):
        texts = pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
        return ReadColumn(_READERS[kind](pa.nulls(len(texts), pa.string())), texts)
    encoded = column.dictionary_encode()
    unique, places = encoded.dictionary, encoded.indices
    texts = texts_of(unique)
    if kind == "text":
        return ReadColumn(as_text(texts, how.nulls).take(places))
    there = without_nulls(texts, how.nulls)
    inexact = None
    if kind == "timestamp":
        values, inexact = _instants(unique, there, timezone, how)
    elif how.truths is not None and kind == "number":
        values = answers(there, how.truths)
    elif is_time(unique):
        values = _READERS[kind](pa.nulls(len(unique), pa.string()))
    else:
        plain = plain_numbers(there, how) if kind in ("number", "integer") and is_text(unique) else there
        values = _READERS[kind](plain)
        inexact = inexact_numbers(plain, values) if kind == "number" else None
    lost = pc.and_(pc.is_valid(there), pc.is_null(values))
    bad = pc.if_else(lost, texts, pa.scalar(None, pa.string()))
    return ReadColumn(values.take(places), bad.take(places), None if inexact is None else inexact.take(places))


def read_timestamps(column: Any, timezone: str, how: Written = Written()) -> tuple[pd.Series, pd.Series]:  # noqa: B008
    """A column of texts or times as (datetime64[us, UTC] with nulls, texts that are no time with nulls elsewhere).

    column: a pyarrow array or chunked array.
    """
    return read_as(column, "timestamp", timezone, how)


def read_as(
    column: Any,
    kind: ColumnType,
    timezone: str,
    how: Written = Written(),  # noqa: B008
) -> tuple[pd.Series, pd.Series]:
    """A column read as a type: (values, null where nothing or unreadable; texts that were unreadable, else null).

    column: a pyarrow array or chunked array. how: how its values are written.
    """
    import pandas as pd
    import pyarrow as pa

    read = read_column(column, kind, timezone, how)
    bad = pa.nulls(len(read.values), pa.string()) if read.bad is None else read.bad
    return pd.Series(pandas_values(read.values, kind)), bad.to_pandas()


def pandas_values(values: pa.Array, kind: ColumnType) -> Any:
    """An array, or a chunked one, as what a pandas Series of its type takes."""
    import numpy as np
    import pandas as pd

    if kind in ("integer", "boolean"):
        nothing = np.asarray(values.is_null())
        filled = values.fill_null(False if kind == "boolean" else 0).to_numpy(zero_copy_only=False)
        masked = pd.arrays.BooleanArray if kind == "boolean" else pd.arrays.IntegerArray
        return masked(np.array(filled), nothing)
    column = values.to_pandas()
    return column.astype({"number": "float64", "text": "str", "timestamp": "datetime64[us, UTC]"}[kind])


def arrow_type(kind: ColumnType) -> pa.DataType:
    """How values of a type are kept."""
    import pyarrow as pa

    types: dict[ColumnType, pa.DataType] = {
        "number": pa.float64(),
        "integer": pa.int64(),
        "text": pa.string(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    return types[kind]


def _plain_array(column: Any) -> pa.Array:
    import pyarrow as pa

    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_float16(column.type):  # Arrow has no dictionary of these.
        column = column.cast(pa.float32())
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def _instants(unique: pa.Array, texts: pa.Array, timezone: str, how: Written) -> tuple[pa.Array, pa.Array]:
    """Values as instants and what those lost. texts: the values as texts, null where nothing is there."""
    if is_time(unique):
        return times_of(unique, timezone)
    if how.epoch is not None:
        return epochs_of(read_integers(texts), how.epoch)
    return read_times(texts, timezone, how.dates)


_READERS: dict[ColumnType, Callable[[Any], Any]] = {
    "number": read_numbers,
    "integer": read_integers,
    "boolean": read_booleans,
    "timestamp": lambda texts: texts.cast("timestamp[us, UTC]"),
    "text": lambda texts: texts,
}
