"""Dates as people write them, written as ISO 8601: in another order, with names of months, with years of two digits.

A text with one meaning is read always: 31.12.2024, 03-Jan-2024, January 3, 2024. One with several needs the option that
settles it, and stays what it is without: 03/04/2024 (`day_first`), 31.12.24 (`short_years`), 24/12/31 (`year_first`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    import pyarrow as pa

_MONTHS = (
    # English, German, French, Spanish, Italian, Portuguese and Dutch; none of these means two months.
    "jan january januar jänner janv janvier ene enero gen gennaio janeiro januari",
    "feb february februar fév févr février fev febrero febbraio fevereiro februari",
    "mar march mär mrz märz mars marzo março mrt maart",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio maio mei",
    "jun june juni juin junio giu giugno junho",
    "jul july juli juil juillet julio lug luglio julho",
    "aug august août agosto ago augustus",
    "sep sept september septembre septiembre set settembre setembro",
    "oct october okt oktober octobre octubre ott ottobre out outubro",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre dic diciembre dicembre dezembro",
)
_NUMBERS = {
    normalize(form, name): f"{number:02d}"
    for number, names in enumerate(_MONTHS, start=1)
    for name in names.split()
    for form in ("NFC", "NFD")
}
_WEEKDAY = r"(?:(?i:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?i:day)?[.,]?\s+)?"
_CLOCK = (
    r"(?:(?:[ ,T]+|:)(?P<hour>\d{1,2})(?P<minutes>:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?)?$"
)
_YEAR = r"(?P<year>\d{4}|\d{2})"
_NAME = r"(?P<month>[\pL\pM]{3,12})\.?"
_DAY = r"(?P<day>\d{1,2})"
_NAMED = (
    rf"^{_WEEKDAY}{_DAY}(?:st|nd|rd|th|\.)?(?:[ /-]+| de )?{_NAME}(?:[ ,/-]+| de )?{_YEAR}{_CLOCK}",
    rf"^{_WEEKDAY}{_NAME}[ /-]+{_DAY}(?:st|nd|rd|th)?(?:, ?|[ /-]+){_YEAR}{_CLOCK}",
    rf"^(?P<year>\d{{4}})[ /-]?{_NAME}[ /-]?{_DAY}{_CLOCK}",
)
_NAMED_YEAR_FIRST = rf"^(?P<year>\d{{2}})[ /-]{_NAME}[ /-]{_DAY}{_CLOCK}"
_DOTTED = rf"^{_DAY}\.(?P<month>\d{{1,2}})\.{_YEAR}{_CLOCK}"
SLASHED = rf"^(?P<first>\d{{1,2}})[/-](?P<second>\d{{1,2}})[/-]{_YEAR}{_CLOCK}"
_SHORT_YEAR_FIRST = rf"^(?P<year>\d{{2}})[./-](?P<month>\d{{1,2}})[./-]{_DAY}{_CLOCK}"
_SLASHED_YEAR = r"^(\d{4})/(\d{2})/(\d{2})([T ].*)?$"


@dataclass(frozen=True)
class DateOrder:
    """What the texts of a column do not say themselves; see `ReadOptions`.

    short_years: the first of the hundred years that two digits stand for; without it such a date cannot be read.
    """

    day_first: bool | None = None
    short_years: int | None = None
    year_first: bool = False


AS_WRITTEN = DateOrder()
"""Only dates with one meaning are read."""


def as_iso(texts: pa.Array, order: DateOrder) -> pa.Array:
    """Dates, with or without a time of day, as `2024-12-31 18:30`; every other text as it is."""
    import pyarrow.compute as pc

    iso = pc.replace_substring_regex(texts, _SLASHED_YEAR, r"\1-\2-\3\4")
    if order.short_years is not None and order.year_first:
        iso = _rewritten(iso, _SHORT_YEAR_FIRST, order)
    iso = _rewritten(iso, _DOTTED, order)
    if order.day_first is not None:
        iso = _rewritten(iso, SLASHED, order)
    if pc.any(pc.match_substring_regex(iso, r"[\pL\pM]{3}")).as_py():
        if order.short_years is not None and order.year_first:
            iso = _rewritten(iso, _NAMED_YEAR_FIRST, order)
        for pattern in _NAMED:
            iso = _rewritten(iso, pattern, order)
    return iso


def _rewritten(texts: pa.Array, pattern: str, order: DateOrder) -> pa.Array:
    """The texts of one pattern as ISO 8601, those with an impossible part and all others as they are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.extract_regex(texts, pattern)
    if parts.null_count == len(parts):
        return texts
    matched = pc.is_valid(parts)

    def part(name: str) -> pa.Array:
        return pc.if_else(matched, pc.struct_field(parts, name), pa.scalar(None, pa.string()))

    names = [field.name for field in parts.type]
    if "first" in names:
        day, month = ("first", "second") if order.day_first else ("second", "first")
    else:
        day, month = "day", "month"
    months = _month(part(month))
    date = pc.binary_join_element_wise(_year(part("year"), order.short_years), months, _two(part(day)), "-")
    iso = pc.binary_join_element_wise(date, _clock(part("hour"), part("minutes"), part("half"), part("zone")), "")
    return pc.coalesce(iso, texts)


def _month(texts: pa.Array) -> pa.Array:
    """01 to 12 of a number or a name; null for a word that is no month."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pa.array(list(_NUMBERS), pa.string())
    numbers = pa.array(list(_NUMBERS.values()), pa.string())
    named = numbers.take(pc.index_in(pc.utf8_lower(texts), value_set=names))
    digits = pc.if_else(pc.match_substring_regex(texts, r"^\d"), texts, pa.scalar(None, pa.string()))
    return pc.coalesce(named, _two(digits))


def _year(texts: pa.Array, short_years: int | None) -> pa.Array:
    """Four digits; null for two without `short_years`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pa.scalar(None, pa.string())
    short = pc.equal(pc.utf8_length(texts), 2)
    if short_years is None:
        return pc.if_else(short, nothing, texts)
    two = pc.if_else(short, texts, nothing).cast(pa.int64())
    past = short_years % 100
    after = pc.if_else(pc.greater_equal(two, past), pc.subtract(two, past), pc.add(two, 100 - past))
    return pc.coalesce(pc.add(after, short_years).cast(pa.string()), texts)


def _clock(hour: pa.Array, minutes: pa.Array, half: pa.Array, zone: pa.Array) -> pa.Array:
    """` 18:30` of 6:30 PM; empty where no time of day is written, null for an hour that no clock has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pa.scalar(None, pa.string())
    given = pc.if_else(pc.equal(hour, ""), nothing, hour).cast(pa.int64())
    half = pc.utf8_lower(half)
    later = pc.if_else(pc.equal(half, "p"), 12, 0)
    twelve = pc.subtract(given, pc.if_else(pc.equal(given, 12), 12, 0))
    in_halves = pc.if_else(pc.and_(pc.greater(given, 0), pc.less_equal(given, 12)), pc.add(twelve, later), None)
    read = pc.if_else(pc.equal(half, ""), given, in_halves)
    zone = pc.if_else(pc.equal(zone, "GMT"), "UTC", zone)
    clock = pc.binary_join_element_wise(" ", _two(read.cast(pa.string())), minutes, zone, "")
    return pc.if_else(pc.equal(hour, ""), "", clock)


def _two(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.utf8_lpad(texts, 2, padding="0")
