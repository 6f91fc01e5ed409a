"""Values that have their type in the file: Parquet, Delta and SQL. They are read without being written as text first.

What is read here is what `typed_column.by_text` would read, value by value. Values that need a look at their text stay
with it: infinities, fractions in a column of whole numbers, decimals with more digits than a float has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.sources.numbers import EXACT, inexact_numbers, read_integers, read_numbers
from perennial.sources.times import epochs_of, is_time, times_of
from perennial.sources.value_texts import as_text, is_text, texts_of, without_blanks

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.sources.column_type import ColumnType
    from perennial.sources.written import Written

_EXACT_POWER = 22
"""10 to the power of up to this is a float to the last digit."""


@dataclass(frozen=True)
class Typed:
    """A column as its type, shape (n,).

    values: null where nothing is there. sure: false where the value must be read from its text.
    inexact: as in `Parsed`, None where nothing is.
    """

    values: pa.Array
    sure: pa.Array
    inexact: pa.Array | None = None


def already_typed(column: pa.Array, kind: ColumnType, timezone: str, how: Written) -> Typed | None:
    """The values that need no reading; None where that is so for the whole column.

    timezone: of times without a zone. how: how the values of the column are written.
    """
    if kind == "timestamp":
        return _instants(column, timezone, how)
    if kind == "text":
        return _all_sure(as_text(texts_of(column), how.nulls)) if is_text(column) else None
    if kind == "boolean":
        return _booleans(column) if not how.nulls else None
    if kind == "integer":
        return _integers(column, how.nulls)
    return _numbers(column, how.nulls) if how.truths is None else None


def _instants(column: pa.Array, timezone: str, how: Written) -> Typed | None:
    import pyarrow.compute as pc

    if is_time(column):
        values, inexact = times_of(column, timezone)
        return Typed(values, _read_or_nothing(values, column), inexact)
    if how.epoch is None or (counts := _integers(column, how.nulls)) is None:
        return None
    values, inexact = epochs_of(counts.values, how.epoch)
    return Typed(values, pc.and_(counts.sure, _read_or_nothing(values, counts.values)), inexact)


def _booleans(column: pa.Array) -> Typed | None:
    import pyarrow as pa

    return _all_sure(column) if pa.types.is_boolean(column.type) else None


def _numbers(column: pa.Array, nulls: tuple[str, ...]) -> Typed | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        floats = column.cast(pa.float64())
        sure = pc.invert(pc.fill_null(pc.is_inf(floats), False))
        return Typed(_without(pc.if_else(pc.is_finite(floats), floats, None), nulls), sure)
    if pa.types.is_decimal128(column.type) and not nulls:
        return _decimals(column)
    if not pa.types.is_integer(column.type) or (nulls and column.type == pa.uint64()):
        return None
    kept = column if not nulls else _without(column.cast(pa.int64()), nulls)
    floats = kept.cast(pa.float64(), safe=False)
    large = pc.if_else(pc.greater_equal(pc.abs(floats), EXACT), kept, None)
    inexact = inexact_numbers(large.cast(pa.string()), floats) if large.null_count < len(large) else None
    return Typed(floats, _all_sure(floats).sure, inexact)


def _integers(column: pa.Array, nulls: tuple[str, ...]) -> Typed | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        floats = column.cast(pa.float64())
        floats = pc.if_else(pc.is_nan(floats), None, floats)
        whole = pc.and_(pc.equal(floats, pc.round(floats)), pc.less(pc.abs(floats), EXACT))
        values = pc.if_else(whole, floats, None).cast(pa.int64())
        return Typed(_without(values, nulls), _read_or_nothing(values, floats))
    if not pa.types.is_integer(column.type) or column.type == pa.uint64():
        return None
    return _all_sure(_without(column.cast(pa.int64()), nulls))


def _decimals(column: pa.Array) -> Typed | None:
    """Decimals of up to 2**53 without their point: the quotient of two exact floats is the nearest float."""
    import numpy as np
    import pyarrow as pa

    if not 0 <= column.type.scale <= _EXACT_POWER:
        return None
    parts = np.frombuffer(column.buffers()[1], dtype="<i8").reshape(-1, 2)
    low, high = parts[column.offset : column.offset + len(column)].T
    null = column.is_null().to_numpy(zero_copy_only=False)
    exact = (high == low >> 63) & (np.abs(low) <= int(EXACT)) & (low != np.iinfo(np.int64).min)
    floats = np.where(exact, low, 0) / 10.0**column.type.scale
    return Typed(pa.array(floats, mask=null | ~exact), pa.array(null | exact))


def _without(values: pa.Array, nulls: tuple[str, ...]) -> pa.Array:
    """Numbers (float64 or int64) without those whose text means that nothing is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not nulls:
        return values
    texts = without_blanks(nulls)
    numbers = read_numbers(texts) if values.type == pa.float64() else read_integers(texts)
    written = numbers.filter(pc.fill_null(pc.equal(texts_of(numbers), texts), False))
    plain = pc.add(values, pa.scalar(0, values.type))  # -0.0 becomes 0.0, which has the same text
    return pc.if_else(pc.is_in(plain, value_set=written), None, values) if len(written) else values


def _all_sure(values: pa.Array) -> Typed:
    import numpy as np
    import pyarrow as pa

    return Typed(values, pa.array(np.ones(len(values), dtype=bool)))


def _read_or_nothing(values: pa.Array, source: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.or_(pc.is_valid(values), pc.is_null(source))
