"""A digest of a frame's content, independent of file layout, storage type, chunking and the order of rows.

How values are compared:
- Numbers by value, whatever their type: equal integers, floats, decimals and booleans (0 and 1) are the same content,
  and unequal ones are not, even beyond 2^53. -0.0 equals 0.0.
- Times by instant, from year 1 to 9999, whatever the zone and unit. One without a zone is taken as UTC.
- Text and bytes by their bytes: a composed and a decomposed letter differ, and a text never equals a number.
- Null, NaN, NaT and None are equal, and a column with nothing else is the same whatever its type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    Column = Callable[[], pd.Series]

_EXACT = 2**53
_INT64 = 2**63


def digest_rows(rows: pd.DataFrame, key: Sequence[str], beside: Mapping[str, pd.Series] | None = None) -> str:
    """sha256 (hex) of a frame's values in key order. Rows with the same key are ordered by all their values.

    rows: columns of numbers, booleans, text, bytes, dates or timestamps. key: columns that order the rows.
    beside: further columns for the same rows, distinct from those of `rows` even if they share a name.
    """
    columns: dict[tuple[str, str], Column] = {
        ("rows", str(name)): partial(rows.__getitem__, name) for name in rows.columns
    }
    columns |= {("beside", name): partial((beside or {}).__getitem__, name) for name in beside or {}}
    return digest_columns(len(rows), columns, key)


def digest_columns(rows: int, columns: Mapping[tuple[str, str], Column], key: Sequence[str]) -> str:
    """As `digest_rows`, with one column after another in memory.

    columns: ("rows" or "beside", name) → reads the column, shape (rows,). It is read up to three times.
    """
    named = sorted(columns.items())
    contents = (content_of(name, column()) for (_, name), column in named)
    order = _order(rows, [content_of(name, columns["rows", name]()) for name in key], contents)
    total = hashlib.sha256(rows.to_bytes(8, "little"))
    for (of, name), column in named:
        content = content_of(name, column())
        for text in (of, name, content.kind):
            total.update(length_of(len(text.encode())) + text.encode())
        for part in (content if order is None else content.take(order)).parts():
            total.update(length_of(len(part)))
            total.update(part)
    return total.hexdigest()


@dataclass(frozen=True)
class Content:
    """A column in canonical form: numbers that are 0 where it is null, texts that are empty there, or both.

    kind: nothing, number, time, text or binary. null: shape (n,).
    numbers: arrays of shape (n,), float64 or int64. texts: Arrow, large_binary.
    """

    kind: str
    null: npt.NDArray[np.bool_]
    numbers: tuple[npt.NDArray[Any], ...] = ()
    texts: pa.Array | None = None

    def take(self, places: npt.NDArray[np.int64]) -> Content:
        """The same column with the rows at `places`, in that order."""
        texts = None if self.texts is None else self.texts.take(_arrow(places))
        return Content(self.kind, self.null[places], tuple(each[places] for each in self.numbers), texts)

    def parts(self) -> list[bytes | memoryview]:
        """Its bytes, in little-endian order."""
        parts: list[bytes | memoryview] = [np.packbits(self.null).tobytes()]
        parts += [little_endian(each) for each in self.numbers]
        if self.texts is not None and len(self.texts):
            parts += [little_endian(self.lengths), self.letters]
        return parts

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Of the texts, in bytes, shape (n,)."""
        return np.zeros(self.null.size, np.int64) if self.texts is None else np.diff(_ends(self.texts))

    @property
    def letters(self) -> bytes | memoryview:
        """All texts, one after another."""
        if self.texts is None or (letters := self.texts.buffers()[2]) is None:
            return b""
        ends = _ends(self.texts)
        return memoryview(letters)[ends[0] : ends[-1]]

    def steps(self) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
        """For each array of `ranks`, whether a row's rank is below the next one's, and whether they are equal."""
        import pyarrow.compute as pc

        for each in (self.null, *self.numbers):
            yield each[:-1] < each[1:], each[:-1] == each[1:]
        if self.texts is not None:
            first, second = self.texts[:-1], self.texts[1:]
            for_both = (pc.less(first, second), pc.equal(first, second))
            less, equal = (each.to_numpy(zero_copy_only=False) for each in for_both)
            yield less, equal

    def ranks(self) -> list[npt.NDArray[Any]]:
        """Arrays whose lexicographic order, the most significant first, is that of the values."""
        return [self.null, *self.numbers, *([] if self.texts is None else [_ranks(self.texts)])]


def _order(rows: int, key: list[Content], columns: Iterator[Content]) -> npt.NDArray[np.int64] | None:
    """The positions of the rows in order; None if they are in order already. columns: read only if keys are equal."""
    if rows < 2 or ascends(rows, key):
        return None
    ranks = [rank for column in key for rank in column.ranks()] or [np.zeros(rows)]
    order = np.lexsort(ranks[::-1])
    same = np.logical_and.reduce([rank[order][1:] == rank[order][:-1] for rank in ranks])
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
        group = np.cumsum(~np.insert(same, 0, False))[tied]
        inner = [rank for column in columns for rank in column.take(order[tied]).ranks()]
        order[tied] = order[tied][np.lexsort([*inner[::-1], group])]
    return None if (order[1:] > order[:-1]).all() else order


def ascends(rows: int, key: list[Content]) -> bool:
    """Whether each row's key comes after the one before, as in stored rows: looking is cheaper than sorting."""
    same = np.ones(rows - 1, dtype=bool)
    after = np.zeros(rows - 1, dtype=bool)
    for column in key:
        for less, equal in column.steps():
            after |= same & less
            same &= equal
    return bool(after.all())


def length_of(size: int) -> bytes:
    """What precedes a section of the digested bytes."""
    return size.to_bytes(8, "little")


def little_endian(numbers: npt.NDArray[Any]) -> bytes:
    """The bytes of numbers on any machine."""
    return numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).tobytes()


def _ends(texts: pa.Array) -> npt.NDArray[np.int64]:
    return np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]


def _ranks(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Each text's position among the distinct ones, ordered by bytes."""
    import pyarrow.compute as pc

    encoded = texts.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    ranks: npt.NDArray[np.int64] = places[encoded.indices.to_numpy()]
    return ranks


def content_of(name: str, column: pd.Series) -> Content:
    import pyarrow as pa

    types = pa.types
    values = _values(column)
    null = values.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    kind = values.type
    if null.all():
        return Content("nothing", null)
    if types.is_boolean(kind) or types.is_floating(kind):
        floats = values.cast(pa.float64())
        if not null.any():
            return Content("number", null, (floats.to_numpy() + 0.0,))
        return Content("number", null, (np.where(null, 0.0, floats.fill_null(0.0).to_numpy()) + 0.0,))
    if types.is_integer(kind) and kind != pa.uint64():
        return Content("number", null, _whole(values.fill_null(0).cast(pa.int64()).to_numpy()))
    if types.is_integer(kind) or types.is_decimal(kind):
        return _exact(null, values)
    if types.is_timestamp(kind) or types.is_date(kind):
        return Content("time", null, _instants(values))
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        texts = values.cast(pa.large_string()).fill_null("")
        return Content("text", null, texts=texts.view(pa.large_binary()))
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return Content("binary", null, texts=values.cast(pa.large_binary()).fill_null(b""))
    raise TypeError(f"column {name!r} holds {kind}, which has no digest")


def _values(column: pd.Series) -> pa.Array:
    """A column as one Arrow array, with nulls for missing values."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert(None)
    try:
        values = pa.array(column, from_pandas=True)
    except (OverflowError, pa.ArrowInvalid):
        # Whole numbers beyond 64 bits.
        values = pa.array([Decimal(each) if isinstance(each, int) else each for each in column], from_pandas=True)
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _whole(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], ...]:
    """64-bit integers as the nearest floats and, if any is nonzero, the remainders."""
    floats = values.astype(np.float64)
    if not values.size or -_EXACT <= values.min() <= values.max() <= _EXACT:
        return (floats,)
    inside = floats < _INT64
    nearest = np.where(inside, floats, 0.0).astype(np.int64)
    rest = np.where(inside, values - nearest, values - (_INT64 - 1) - 1)
    return (floats, rest) if rest.any() else (floats,)


def _exact(null: npt.NDArray[np.bool_], values: pa.Array) -> Content:
    """Decimals and integers of any size: the nearest floats, and the remainders as 64 bits or else as text."""
    import pyarrow as pa

    encoded = values.dictionary_encode()
    different = [_parted(each) for each in encoded.dictionary.to_pylist()]
    places = encoded.indices.fill_null(len(different)).to_numpy()
    nearest, rest, more = zip(*different, (0.0, 0, ""), strict=True)
    floats, whole = np.array(nearest)[places], np.array(rest, dtype=np.int64)[places]
    numbers = (floats, whole) if whole.any() else (floats,)
    texts = pa.array([each.encode() for each in more], pa.large_binary()).take(_arrow(places)) if any(more) else None
    return Content("number", null, numbers, texts)


def _parted(value: int | Decimal) -> tuple[float, int, str]:
    """A number of up to 76 digits as the nearest float and the remainder."""
    nearest = float(value)
    rest = Fraction(value) - Fraction(nearest)
    whole = rest.denominator == 1 and abs(rest) < _INT64
    return nearest + 0.0, int(rest) if whole else 0, "" if whole else str(rest)


def _instants(values: pa.Array) -> tuple[npt.NDArray[Any], ...]:
    """Times as microseconds since 1970 and, if any is nonzero, the remaining nanoseconds."""
    import pyarrow as pa

    if pa.types.is_timestamp(values.type) and values.type.unit == "ns":
        nanoseconds = values.cast(pa.int64()).fill_null(0).to_numpy()
        whole, rest = nanoseconds // 1000, nanoseconds % 1000
        return (whole, rest) if rest.any() else (whole,)
    zone = values.type.tz if pa.types.is_timestamp(values.type) else None
    return (values.cast(pa.timestamp("us", zone)).cast(pa.int64()).fill_null(0).to_numpy(),)


def _arrow(places: npt.NDArray[np.int64]) -> pa.Array:
    import pyarrow as pa

    return pa.array(places)
