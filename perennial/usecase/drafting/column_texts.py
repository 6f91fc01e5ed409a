"""The different texts of a column: what means nothing among them, and as what numbers or times the rest may be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perennial.sources.dates import DateOrder
from perennial.sources.numbers import read_numbers
from perennial.sources.read_options import Negative, ReadOptions
from perennial.sources.typed_column import read_as
from perennial.sources.value_texts import is_text, without_nulls
from perennial.sources.written import Decimal, Written, plain_numbers
from perennial.usecase.drafting.date_form import READABLE

if TYPE_CHECKING:
    import pyarrow as pa

_MOST = 20_000
WAYS: tuple[tuple[Decimal, str], ...] = (
    (".", ""),
    (",", ""),
    (".", ","),
    (",", "."),
    (".", " "),
    (",", " "),
    (".", "'"),
    (",", "'"),
)
_SIGNS = ("US$", "A$", "C$", "R$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "zł", "kr", "Kč")
_CODES = ("EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "SEK", "NOK", "DKK", "PLN", "CZK", "CAD", "AUD", "BRL")
NULLS = {
    *("n/a", "#n/a", "n.a.", "na", "nan", "null", "(null)", "none", "nil", "-", "--", "---", "–", "—", "?", ".", "*"),
    *("missing", "unknown", "not available", "k.a.", "k. a.", "keine angabe", "\\n", "#value!", "#div/0!", "#ref!"),
}
_IN_PARENTHESES = r"^([^\d()]{0,5})\(([^()+-]*\d[^()+-]*)\)([^\d()]{0,5})$"
_MINUS_BEHIND = r"^([^()+-]*\d[^()+-]{0,5}?)\s?-([^\d()+-]{0,5})$"


@dataclass(frozen=True)
class ColumnTexts:
    """The different texts of a column with how often each is there.

    nulls: those that mean nothing. signs: currencies. percent: whether all are percentages.
    negatives: how those below 0 are written.
    ways: how its numbers may be written, of `WAYS`. is_time: whether the rest are times.
    """

    values: pa.Array
    counts: pa.Array
    nulls: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    negatives: tuple[Negative, ...] = ()
    percent: bool = False
    ways: frozenset[tuple[Decimal, str]] = frozenset()
    is_time: bool = False

    @property
    def kind(self) -> str:
        return "time" if self.is_time else "number"

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> ColumnTexts:
        import pyarrow.compute as pc

        column = column.cast("string").combine_chunks()
        counted = pc.value_counts(without_nulls(column))
        values, counts = counted.field("values"), counted.field("counts")
        there = pc.is_valid(values)
        values, counts = values.filter(there), counts.filter(there)
        step = len(values) // _MOST + 1
        return cls(values[::step], counts[::step]) if step == 1 else cls(_every(values, step), _every(counts, step))

    def without_nulls(self, given: ReadOptions, order: DateOrder) -> ColumnTexts:
        """The same with what it may be, once texts that often mean nothing are left out."""
        import pyarrow as pa
        import pyarrow.compute as pc

        known = {*given.nulls, *(each for texts in given.nulls_of.values() for each in texts)}
        lower = pc.utf8_lower(self.values)
        null = pc.or_(
            pc.is_in(lower, value_set=pa.array(sorted(NULLS))),
            pc.is_in(self.values, value_set=pa.array(sorted(known), pa.string())),
        )
        rest = replace(self, values=self.values.filter(pc.invert(null)), counts=self.counts.filter(pc.invert(null)))
        if not len(rest.values):
            return self
        nulls = tuple(each for each in self.values.filter(null).to_pylist() if each not in known)
        negatives = given.negatives or _negatives(rest.values)
        plain = _without_negatives(rest.values, negatives)
        signs = given.currency or _signs(plain)
        percent = bool(pc.all(pc.ends_with(plain, "%")).as_py())
        how = Written(currency=signs, negatives=negatives, percent="number" if percent else None)
        ways = frozenset(way for way in WAYS if rest.share(_read(rest.values, how, way)) >= READABLE)
        is_time = bool(nulls) and not ways and rest.share(_times(rest.values, order)) >= READABLE
        return replace(rest, nulls=nulls, signs=signs, negatives=negatives, percent=percent, ways=ways, is_time=is_time)

    def share(self, read: pa.Array) -> float:
        """The share of rows, not of different texts, that was read."""
        import pyarrow.compute as pc

        return float(pc.sum(self.counts.filter(pc.is_valid(read))).as_py() or 0) / pc.sum(self.counts).as_py()


def _every(values: pa.Array, step: int) -> pa.Array:
    import numpy as np

    return values.take(np.arange(0, len(values), step))


def may_be_read(column: pa.ChunkedArray) -> bool:
    """Whether a column of texts may hold numbers or times: most of its first values have a digit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not is_text(column):
        return False
    first = column.drop_null().slice(0, 1000)
    return bool(len(first)) and pc.mean(pc.match_substring_regex(first, r"\d").cast("int8")).as_py() > 0.3


def _read(texts: pa.Array, how: Written, way: tuple[Decimal, str]) -> pa.Array:
    return read_numbers(plain_numbers(texts, replace(how, decimal=way[0], thousands=way[1])))


def _times(texts: pa.Array, order: DateOrder) -> pa.Array:
    import pyarrow as pa

    values, _ = read_as(texts, "timestamp", "UTC", Written(dates=order))
    return pa.array(values)


def _negatives(texts: pa.Array) -> tuple[Negative, ...]:
    """How negative numbers are written, if some are not with a minus before them."""
    import pyarrow.compute as pc

    shapes: tuple[tuple[Negative, str], ...] = (("()", _IN_PARENTHESES), ("5-", _MINUS_BEHIND))
    return tuple(way for way, shape in shapes if pc.any(pc.match_substring_regex(texts, shape)).as_py())


def _without_negatives(texts: pa.Array, negatives: tuple[Negative, ...]) -> pa.Array:
    """Texts without what shows that a number is negative."""
    import pyarrow.compute as pc

    if "()" in negatives:
        texts = pc.replace_substring_regex(texts, _IN_PARENTHESES, r"\1\2\3")
    return pc.replace_substring_regex(texts, _MINUS_BEHIND, r"\1\2") if "5-" in negatives else texts


def _signs(texts: pa.Array) -> tuple[str, ...]:
    """Signs and codes of currencies that stand before or after a number."""
    import pyarrow.compute as pc

    any_sign = "|".join(re.escape(sign) for sign in (*_SIGNS, *_CODES))
    shape = rf"^[+-]?\s?(?:(?P<before>{any_sign})\s?)?[+-]?\d[^A-Za-z]*?\s?(?P<after>{any_sign})?$"
    parts = pc.drop_null(pc.extract_regex(texts, shape))
    there = {*parts.field("before").to_pylist(), *parts.field("after").to_pylist()} if len(parts) else set()
    return tuple(sorted(there - {"", None}))
