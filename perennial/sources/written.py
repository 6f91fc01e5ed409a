"""How the values of one column are written, and numbers that are written for people as plain ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from perennial.sources.dates import AS_WRITTEN, DateOrder
from perennial.sources.numbers import is_truth, with_points
from perennial.sources.read_options import PLAIN, EpochUnit, Negative, ReadOptions

if TYPE_CHECKING:
    import pyarrow as pa

Decimal = Literal[".", ","]

MARKS = {"": "", ".": r"\.", ",": ",", "'": "['’]", " ": "[ \u00a0\u2009\u202f]"}
"""What separates thousands → the characters that are written for it, as a pattern."""


@dataclass(frozen=True)
class Written:
    """How the values of one column are written; see `ReadOptions`.

    truths: of a binary target the text that stands for 1 and the one that stands for 0, None where yes and no do.
    """

    decimal: Decimal = "."
    thousands: str | None = None
    currency: tuple[str, ...] = ()
    percent: Literal["number", "share"] | None = None
    nulls: tuple[str, ...] = ()
    negatives: tuple[Negative, ...] = ()
    dates: DateOrder = AS_WRITTEN
    epoch: EpochUnit | None = None
    truths: tuple[str, str] | None = None

    @property
    def for_people(self) -> bool:
        """Whether numbers may have more than digits and a decimal mark."""
        return bool(self.thousands is not None or self.currency or self.percent or self.negatives)

    @property
    def plain(self) -> bool:
        """Whether values are written as everywhere: a value has only one spelling."""
        return self == Written()


def written(
    column: str, read: ReadOptions = PLAIN, decimal: Decimal = ".", truths: tuple[str, str] | None = None
) -> Written:
    """How a column of files is written. truths: what stands for 1 and 0 there, if it is a binary target."""
    return Written(
        decimal=decimal,
        thousands=read.thousands,
        currency=read.currency,
        percent=read.percent,
        nulls=(*read.nulls, *read.nulls_of.get(column, ())),
        negatives=read.negatives,
        dates=DateOrder(read.day_first, read.short_years, read.year_first),
        epoch=read.epochs.get(column),
        truths=truths,
    )


def plain_numbers(texts: pa.Array, how: Written) -> pa.Array:
    """Numbers with signs and marks as digits with a point; null where a text is no such number or truth.

    Nothing is rounded: 12.5 % as a share is 12.5e-2.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not how.for_people:
        return with_points(texts) if how.decimal == "," else texts
    mark, between = re.escape(how.decimal), MARKS[how.thousands if how.thousands is not None else _usual(how.decimal)]
    signs = "|".join(re.escape(sign) for sign in sorted(how.currency, key=len, reverse=True))
    sign = rf"\s?(?:{signs})?\s?" if signs else ""
    grouped = rf"[1-9]\d{{0,2}}(?:{between}\d{{3}})+|" if between else ""
    number = rf"(?:{grouped}\d+)?(?:{mark}\d*)?(?:[eE][+-]?\d+)?"
    percent = r"(\s?%)?" if how.percent else "()"
    texts = _signed(texts, how.negatives, signs, "%" if how.percent else "")
    shape = rf"^([+-]?){sign}([+-]?)({number}){sign}{percent}$"
    there = pc.if_else(pc.match_substring_regex(texts, shape), texts, pa.scalar(None, pa.string()))
    first, second, body, share = (pc.replace_substring_regex(there, shape, rf"\{n}") for n in range(1, 5))
    if between:
        body = pc.replace_substring_regex(body, between, "")
    body = pc.replace_substring(body, how.decimal, ".")
    hundredth = pc.if_else(pc.equal(share, ""), "", "e-2" if how.percent == "share" else "")
    plain = pc.binary_join_element_wise(first, second, body, hundredth, "")
    return pc.coalesce(plain, pc.if_else(is_truth(texts), texts, pa.scalar(None, pa.string())))


def _signed(texts: pa.Array, negatives: tuple[Negative, ...], signs: str, percent: str) -> pa.Array:
    """(5.00) and 5.00- as -5.00, whatever signs stand inside or outside of the parentheses; other texts as they are."""
    import pyarrow.compute as pc

    before = rf"(\s?(?:{signs})?\s?)" if signs else "()"
    after = rf"(\s?(?:{'|'.join(each for each in (signs, percent) if each)})?)" if signs or percent else "()"
    if "()" in negatives:
        texts = pc.replace_substring_regex(texts, rf"^{before}\(([^()+-]+)\){after}$", r"-\1\2\3")
    if "5-" in negatives:
        texts = pc.replace_substring_regex(texts, rf"^([^()+-]+?)\s?-{after}$", r"-\1\2")
    return texts


def _usual(decimal: Decimal) -> str:
    return "." if decimal == "," else ""


def answers(texts: pa.Array, truths: tuple[str, str]) -> pa.Array:
    """1 where a text is the first of the two, 0 where it is the second, else null; 1.0 is the whole number 1."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if all(re.fullmatch(r"[+-]?\d+", each) for each in truths):
        texts = pc.replace_substring_regex(texts, r"^([+-]?\d+)\.0*$", r"\1")
    no = pc.if_else(pc.equal(texts, truths[1]), 0.0, pa.scalar(None, pa.float64()))
    return pc.if_else(pc.equal(texts, truths[0]), 1.0, no)
