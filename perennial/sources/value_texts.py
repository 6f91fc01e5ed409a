"""The values of a column as texts, as they would be written in a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from perennial.sources.delimited import NULLS
from perennial.sources.numbers import EXACT


def is_text(values: Any) -> bool:
    """Whether a pyarrow array or chunked array holds texts."""
    import pyarrow as pa

    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def texts_of(values: Any) -> Any:
    """Every value as it would be written, whole numbers without a point. Bytes that are no text are written out.

    values: a pyarrow array. Returns a pyarrow array of texts, null where no value is.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(values.type):
        values = values.cast(pa.float64())
        values = pc.if_else(pc.is_nan(values), None, values)
        whole = pc.and_(pc.equal(values, pc.round(values)), pc.less(pc.abs(values), EXACT))
        integers = pc.if_else(whole, values, None).cast(pa.int64()).cast(pa.string())
        return pc.coalesce(integers, values.cast(pa.string()))
    if pa.types.is_decimal(values.type):
        plain = [None if value is None else f"{value:f}" for value in values.to_pylist()]
        return pc.replace_substring_regex(pa.array(plain, pa.string()), r"^(-?\d+)\.0*$", r"\1")
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([None if value is None else _decoded(value) for value in values.to_pylist()], pa.string())


def _decoded(value: object) -> str:
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError:
        return str(value)


def without_nulls(texts: Any, nulls: tuple[str, ...] = ()) -> Any:
    """Texts (a pyarrow array) without blanks around them; null where they say that nothing is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    stripped = pc.utf8_trim_whitespace(texts)
    nothing = pa.array(sorted({text.lower() for text in NULLS}), pa.string())
    null = pc.is_in(pc.utf8_lower(stripped), value_set=nothing)
    if nulls:
        null = pc.or_(null, pc.is_in(stripped, value_set=without_blanks(nulls)))
    return pc.if_else(null, pa.scalar(None, pa.string()), stripped)


def as_text(texts: Any, nulls: tuple[str, ...]) -> Any:
    """Texts (a pyarrow array) as values of a text column: null where empty, or where one of `nulls` stands."""
    import pyarrow.compute as pc

    values = pc.if_else(pc.equal(texts, ""), None, texts)
    if nulls:
        values = pc.if_else(pc.is_in(pc.utf8_trim_whitespace(texts), without_blanks(nulls)), None, values)
    return values


def without_blanks(texts: Iterable[str]) -> Any:
    """Texts as a pyarrow array, without blanks around them."""
    import pyarrow as pa

    return pa.array([each.strip() for each in texts], pa.string())
