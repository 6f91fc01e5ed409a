"""How numbers and dates are written, as the texts of a file show it. What two readings allow is asked, not chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perennial.sources.dates import DateOrder
from perennial.sources.epochs import epoch_unit
from perennial.sources.read_options import ReadOptions
from perennial.sources.typed_column import read_as
from perennial.sources.value_texts import is_text
from perennial.sources.written import MARKS, Decimal
from perennial.usecase.drafting.column_texts import NULLS, WAYS, ColumnTexts, may_be_read
from perennial.usecase.drafting.date_form import date_form
from perennial.usecase.drafting.guess import Guess

if TYPE_CHECKING:
    import pyarrow as pa

_TIME_NAME = re.compile(r"time|date|stamp|epoch|when|created|updated|_at$|^at$|^ts$|_ts$", re.IGNORECASE)
UNITS = {"seconds": "s", "milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_YEAR_2000, _YEAR_2040 = 946_684_800, 2_208_988_800


@dataclass(frozen=True)
class Values:
    """decimal: the mark. form: fields of `ReadOptions` with what is guessed. asked: (column, question)."""

    decimal: Guess[Decimal] = field(default_factory=lambda: Guess(".", "sure", "as everywhere"))
    form: dict[str, Guess[Any]] = field(default_factory=dict)
    asked: tuple[tuple[str, str], ...] = ()


def value_form(columns: Mapping[str, pa.ChunkedArray], given: ReadOptions, decimal: Decimal | None = None) -> Values:
    """What the columns show. given, decimal: what a person wrote; that is not looked for."""
    texts = {name: ColumnTexts.of(column) for name, column in columns.items() if may_be_read(column)}
    form, unclear = date_form({name: each.values.to_pylist() for name, each in texts.items()}, given)
    if not given.epochs and (units := _epochs(columns)):
        why = "whole numbers that would be times after 2000, in a column called like a time"
        form["epochs"] = Guess(units, "likely", why)
    order = _order({**given.model_dump(), **{name: guess.value for name, guess in form.items()}})
    numbers = {name: each.without_nulls(given, order) for name, each in texts.items()}
    numbers = {name: each for name, each in numbers.items() if each.ways or each.is_time}
    if not (given.nulls or given.nulls_of):
        form |= _nulls(numbers, columns)
    numbers = {name: each for name, each in numbers.items() if each.ways}
    signs = sorted({sign for each in numbers.values() for sign in each.signs})
    if signs and not given.currency:
        form["currency"] = Guess(tuple(signs), "sure", "without it these are numbers")
    ways = sorted({way for each in numbers.values() for way in each.negatives})
    if ways and not given.negatives:
        text = _first(numbers, r"^\D*\(.*\d.*\)\D*$" if "()" in ways else r"\d\s?-\D*$")
        form["negatives"] = Guess(tuple(ways), "sure", f"{text!r} is a number only so")
    percents = [name for name, each in numbers.items() if each.percent]
    if percents and given.percent is None:
        why = f"12 % is read as 12 in {', '.join(percents[:3])}; write share to read it as 0.12"
        form["percent"] = Guess("number", "unsure", why)
    mark, thousands, asked = _marks(numbers, given, decimal)
    if thousands is not None and given.thousands is None:
        form["thousands"] = thousands
    return Values(mark, form, (*unclear, *asked))


def _order(options: Mapping[str, Any]) -> DateOrder:
    return DateOrder(options["day_first"], options["short_years"], options["year_first"])


def _nulls(numbers: Mapping[str, ColumnTexts], columns: Mapping[str, pa.ChunkedArray]) -> dict[str, Guess[Any]]:
    """Texts for nothing: those that mean it everywhere, and those that other columns have as a word of theirs."""
    words = {text for name, column in columns.items() if name not in numbers for text in _some_words(column)}
    everywhere = tuple(sorted({null for each in numbers.values() for null in each.nulls} - words))
    here = {name: [null for null in each.nulls if null in words] for name, each in numbers.items()}
    here = {name: nulls for name, nulls in here.items() if nulls}
    first = next((name for name, each in numbers.items() if each.nulls), "")
    why = f"all else in {first} is a {numbers[first].kind}" if first else ""
    form: dict[str, Guess[Any]] = {"nulls": Guess(everywhere, "likely", why)} if everywhere else {}
    return form | ({"nulls_of": Guess(here, "likely", why)} if here else {})


def _some_words(column: pa.ChunkedArray) -> list[str]:
    """The texts of `NULLS` that a column of texts has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not is_text(column):
        return []
    texts = pc.utf8_trim_whitespace(pc.unique(column))
    words = texts.filter(pc.is_in(pc.utf8_lower(texts), value_set=pa.array(sorted(NULLS))))
    return [str(text) for text in words.to_pylist()]


def _marks(
    numbers: Mapping[str, ColumnTexts], given: ReadOptions, decimal: Decimal | None
) -> tuple[Guess[Decimal], Guess[str] | None, tuple[tuple[str, str], ...]]:
    """The decimal mark, that of thousands, and what may be both."""
    ways = [
        way
        for way in WAYS
        if (decimal is None or way[0] == decimal) and (given.thousands is None or way[1] == given.thousands)
    ]
    most = max((sum(way in each.ways for each in numbers.values()) for way in ways), default=0)
    fitting = [way for way in ways if sum(way in each.ways for each in numbers.values()) == most]
    usual: Guess[Decimal] = Guess(decimal or ".", "given" if decimal else "sure", "as given" if decimal else "so it is")
    if not most or (".", "") in fitting:
        return usual, _rarely_separated(numbers, fitting, "."), _other_marks(numbers, decimal or ".")
    marks = {way[0] for way in fitting}
    if len(marks) > 1:
        return usual, None, _asked(numbers, fitting)
    (mark,) = marks
    shown = _example(numbers, (mark, ""))
    written: Guess[Decimal] = usual if decimal else Guess(mark, "sure", f"numbers are written like {shown}")
    thousands = next((way[1] for way in fitting if way[1] == ""), fitting[0][1])
    proof = _proof(numbers, mark, thousands)
    if thousands == "":
        nothing = Guess("", "sure", "nothing separates them here") if mark == "," else None
        return written, _rarely_separated(numbers, fitting, mark) or nothing, _other_marks(numbers, mark)
    if proof is not None or given.thousands is not None:
        return written, Guess(thousands, "sure", f"{proof!r} has no other reading"), _other_marks(numbers, mark)
    return written, Guess("", "unsure", "no number shows what separates them"), _asked(numbers, fitting)


def _rarely_separated(
    numbers: Mapping[str, ColumnTexts], fitting: list[tuple[Decimal, str]], mark: str
) -> Guess[str] | None:
    """The mark of thousands of files that rarely have one, if all numbers are read with it too and one only so."""
    for _, between in (way for way in fitting if way[0] == mark and way[1]):
        if (proof := _proof(numbers, mark, between)) is not None:
            return Guess(between, "sure", f"{proof!r} has no other reading")
    return None


def _other_marks(numbers: Mapping[str, ColumnTexts], mark: str) -> tuple[tuple[str, str], ...]:
    """Columns whose numbers have another decimal mark than the rest of the file: one file has one."""
    odd = [name for name, each in numbers.items() if all(way[0] != mark for way in each.ways)]
    return tuple(
        (
            name,
            f"{numbers[name].values[0].as_py()!r} is not a number with {mark!r} as decimal mark, as others here are: "
            "write both alike at the source",
        )
        for name in odd
    )


def _asked(numbers: Mapping[str, ColumnTexts], ways: list[tuple[Decimal, str]]) -> tuple[tuple[str, str], ...]:
    """What columns hold that is a number of thousands, or one with three decimals."""
    import pyarrow.compute as pc

    asked = []
    for name, each in numbers.items():
        odd = [text for text in each.values.to_pylist() if re.fullmatch(r"\D*\d{1,3}[.,]\d{3}\D*", text)]
        if odd and not bool(pc.any(pc.match_substring_regex(each.values, r"[.,]\d{1,2}$|[.,]\d{4}")).as_py()):
            text = odd[0]
            mark = "," if "," in text else "."
            plain = re.sub(r"[^\d.,]", "", text)
            asked.append(
                (
                    name,
                    f"{text!r} may be {plain.replace(mark, '')} or {plain.replace(mark, '.')}: answer with "
                    f"--read thousands={mark} or --read decimal={mark}",
                )
            )
    return tuple(asked)


def _proof(numbers: Mapping[str, ColumnTexts], mark: str, thousands: str) -> str | None:
    """A number in which the mark of thousands can be no decimal mark."""
    if thousands in ("", " ", "'"):
        return _first(numbers, rf"\d{MARKS[thousands]}\d{{3}}") if thousands else None
    between = re.escape(thousands)
    return _first(numbers, rf"\d{between}\d{{3}}(?:{re.escape(mark)}\d|{between}\d{{3}})")


def _example(numbers: Mapping[str, ColumnTexts], way: tuple[str, str]) -> str:
    return _first(numbers, rf"\d{re.escape(way[0])}\d") or ""


def _first(numbers: Mapping[str, ColumnTexts], pattern: str) -> str | None:
    import pyarrow.compute as pc

    for each in numbers.values():
        there = each.values.filter(pc.match_substring_regex(each.values, pattern))
        if len(there):
            return str(there[0].as_py())
    return None


def _epochs(columns: Mapping[str, pa.ChunkedArray]) -> dict[str, str]:
    """Columns of whole numbers that are called like times and would be ones between 2000 and 2040, with their unit."""
    form = {}
    for name, column in columns.items():
        if not _TIME_NAME.search(name) or column.null_count == len(column):
            continue
        values, bad = read_as(column, "integer", "UTC")
        there = values.dropna()
        if bad.notna().any() or there.empty:
            continue
        units = {epoch_unit(there.min()), epoch_unit(there.max())}
        unit = UNITS.get(units.pop() or "") if len(units) == 1 else None
        if unit and _YEAR_2000 <= there.min() // _PER_SECOND[unit] <= there.max() // _PER_SECOND[unit] < _YEAR_2040:
            form[name] = unit
    return form
