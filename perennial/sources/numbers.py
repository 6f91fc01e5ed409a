"""Texts as numbers, integers and truth values, and the numbers that a float holds only nearly."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

EXACT = 2.0**53
"""Whole numbers below it are floats to the last digit."""

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_COMMA_NUMBER = r"^[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)?(,\d+)?([eE][+-]?\d+)?$"
_LARGEST, _LEAST = str(2**63 - 1), str(2**63)
_SURE_DIGITS = 15
_FLOAT_DIGITS = 17


def with_points(texts: pa.Array) -> pa.Array:
    """Numbers written with a decimal comma, written with a point; null where a text is no such number or truth."""
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pc.match_substring_regex(texts, _COMMA_NUMBER)
    pointed = pc.replace_substring(pc.replace_substring(texts, ".", ""), ",", ".")
    return pc.if_else(number, pointed, pc.if_else(is_truth(texts), texts, pa.scalar(None, pa.string())))


def is_truth(texts: pa.Array) -> pa.Array:
    """Whether a text is `true` or `false`."""
    import pyarrow.compute as pc

    return pc.is_valid(_truths(texts))


def read_numbers(texts: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.if_else(pc.match_substring_regex(texts, _NUMBER), texts, pa.scalar(None, pa.string()))
    numbers = plain.cast(pa.float64())
    numbers = pc.if_else(pc.is_finite(numbers), numbers, None)
    return pc.coalesce(numbers, _truths(texts).cast(pa.float64()))


def read_integers(texts: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    shape = r"^\+?(-?)0*(\d+)(?:\.0*)?$"
    nothing = pa.scalar(None, pa.string())
    digits = pc.if_else(pc.match_substring_regex(texts, shape), texts, nothing)
    sign, size = (pc.replace_substring_regex(digits, shape, part) for part in (r"\1", r"\2"))
    length = pc.utf8_length(size)
    largest = pc.if_else(pc.equal(sign, "-"), _LEAST, _LARGEST)
    fits = pc.or_(
        pc.less(length, len(_LARGEST)), pc.and_(pc.equal(length, len(_LARGEST)), pc.less_equal(size, largest))
    )
    digits = pc.if_else(fits, pc.binary_join_element_wise(sign, size, ""), nothing)
    floats = read_numbers(texts)
    exact = pc.and_(pc.equal(floats, pc.round(floats)), pc.less(pc.abs(floats), EXACT))
    return pc.coalesce(digits.cast(pa.int64()), pc.if_else(exact, floats, None).cast(pa.int64()))


def _truths(texts: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_lower(texts)
    true = pc.is_in(words, value_set=pa.array(["true"]))
    known = pc.is_in(words, value_set=pa.array(["true", "false"]))
    return pc.if_else(known, true, pa.scalar(None, pa.bool_()))


def read_booleans(texts: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = read_numbers(texts)
    known = pc.is_in(numbers, value_set=pa.array([0.0, 1.0]))
    return pc.if_else(known, pc.equal(numbers, 1.0), pa.scalar(None, pa.bool_()))


def inexact_numbers(texts: pa.Array, numbers: pa.Array) -> pa.Array:
    """In one spelling the numbers that a float does not hold: whole ones, and others of more than 17 digits.

    texts: with a decimal point. numbers: the floats they were read as, null where they were not.
    A fraction of up to 17 digits is how floats themselves are written, so it counts as the float next to it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    digits = pc.count_substring_regex(pc.replace_substring_regex(texts, r"[eE].*$", ""), r"\d")
    long = pc.fill_null(pc.and_(pc.greater(digits, _SURE_DIGITS), pc.is_valid(numbers)), False)
    if not pc.any(long).as_py():
        return pa.nulls(len(texts), pa.string())
    exact: list[str | None] = [None] * len(texts)
    for place in pc.indices_nonzero(long).to_pylist():
        exact[place] = _if_inexact(texts[place].as_py(), numbers[place].as_py())
    return pa.array(exact, pa.string())


def _if_inexact(text: str, number: float) -> str | None:
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent) > len("-999"):
        return text
    value = Decimal(text)
    if value == Decimal(number):
        return None
    digits = mantissa.replace(".", "").lstrip("+-").strip("0")
    whole = not exponent and value == value.to_integral_value()
    if not whole and len(digits) <= _FLOAT_DIGITS:
        return None
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
