"""In which order dates are written, and in which hundred years those of two digits are, as a file's texts prove."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perennial.sources.dates import DateOrder
from perennial.sources.read_options import ReadOptions
from perennial.sources.typed_column import read_as
from perennial.sources.written import Written
from perennial.usecase.drafting.guess import Guess

if TYPE_CHECKING:
    import pandas as pd

READABLE = 0.99
HUNDRED_FROM = 1970
_SLASHED = re.compile(r"^(\d{1,2})[/-](\d{1,2})[/-]\d{4}(\D.*)?$")
_SHORT_SLASHED = re.compile(r"^\d{1,2}[/-]\d{1,2}[/-]\d{1,2}([ T,].*)?$")
_SHORT = re.compile(
    r"^(\d{1,2}\.\d{1,2}\.\d{2}|\d{1,2}[ /-]?[^\W\d]{3,10}\.?[ ,/-]+\d{2}|[^\W\d]{3,10}\.? \d{1,2}, ?\d{2})([ T,].*)?$"
)
_AGREED = range(2000, 2030)
"""Years of two digits that POSIX (00–68) and Excel (00–29) both put after 2000; both put 69–99 before."""
_MOST_APART = 3.0
"""So many times the shortest span of time of all readings is too long for another one."""

Texts = Mapping[str, Sequence[str]]
"""Column → its different texts."""


def date_form(texts: Texts, given: ReadOptions) -> tuple[dict[str, Guess[Any]], tuple[tuple[str, str], ...]]:
    """Fields of `ReadOptions` that the dates prove, and (column, question) where several readings are possible.

    given: what a person wrote; that is not looked for.
    """
    form: dict[str, Guess[Any]] = {}
    if given.day_first is None and (proven := _day_first(texts)) is not None:
        form["day_first"] = proven
    day_first = form["day_first"].value if "day_first" in form else given.day_first
    short = {name: values for name, values in texts.items() if _are(values, _SHORT_SLASHED, _SHORT)}
    if not short:
        return form, ()
    ways = _ways(short, day_first, given)
    if not ways:
        return form, ()
    if len(ways) > 1:
        return form, tuple((name, _which(values[0], ways)) for name, values in short.items())
    ((order, readings),) = ways.items()
    name, example = next((name, values[0]) for name, values in short.items())
    years = sorted({year for reading in readings for year in reading.dt.year.unique()})
    if given.short_years is None:
        doubtful = next((year for year in years if year > 1999 and year not in _AGREED), None)
        if doubtful is not None:
            return form, ((name, _which_century(doubtful)),)
        why = f"{example!r} is then in {readings[0].iloc[0].year}; the years go from {years[0]} to {years[-1]}"
        form["short_years"] = Guess(HUNDRED_FROM, "likely", why)
    if order.year_first and not given.year_first:
        why = f"read otherwise, dates like {example!r} would spread over more years"
        form["year_first"] = Guess(True, "likely", why)
    elif order.day_first is not None and day_first is None:
        form["day_first"] = Guess(order.day_first, "sure", f"dates like {example!r} have no other reading")
    return form, ()


def _are(values: Sequence[str], *patterns: re.Pattern[str]) -> bool:
    matching = sum(any(pattern.match(text) for pattern in patterns) for text in values)
    return bool(values) and matching >= READABLE * len(values)


def _day_first(texts: Texts) -> Guess[bool] | None:
    """The order that dates with slashes prove: a part beyond 12 is the day. None for no order, or for two."""
    proofs: dict[bool, str] = {}
    for values in texts.values():
        dates = [(text, match) for text in values if (match := _SLASHED.match(text))]
        if len(dates) < READABLE * len(values):
            continue
        for text, match in dates:
            if int(match[1]) > 12 >= int(match[2]):
                proofs.setdefault(True, text)
            elif int(match[2]) > 12 >= int(match[1]):
                proofs.setdefault(False, text)
    if len(proofs) != 1:
        return None
    ((day_first, text),) = proofs.items()
    return Guess(day_first, "sure", f"{text!r} has no other reading")


def _ways(short: Texts, day_first: bool | None, given: ReadOptions) -> dict[DateOrder, list[pd.Series]]:
    """Each order in which all columns can be read, with what they are then.

    One that spreads them over much more time than another is left out: the days of a month taken for years.
    """
    import pyarrow as pa

    slashed = any(_are(values, _SHORT_SLASHED) for values in short.values())
    orders = [False, True] if slashed and day_first is None else [day_first]
    hundred = given.short_years if given.short_years is not None else HUNDRED_FROM
    ways: dict[DateOrder, list[pd.Series]] = {}
    for order in [
        *(DateOrder(each, hundred) for each in orders if not given.year_first),
        DateOrder(day_first, hundred, year_first=True),
    ]:
        readings = []
        for values in short.values():
            instants, _ = read_as(pa.array(list(values)), "timestamp", "UTC", Written(dates=order))
            readings.append(instants.dropna())
        if all(len(got) >= READABLE * len(values) for got, values in zip(readings, short.values(), strict=True)):
            ways[order] = readings
    spans = {order: max((got.max() - got.min()).days for got in readings) for order, readings in ways.items()}
    shortest = min(spans.values(), default=0)
    return {order: got for order, got in ways.items() if spans[order] <= _MOST_APART * (shortest + 31)}


def _which(text: str, ways: Mapping[DateOrder, list[pd.Series]]) -> str:
    answers = [
        "year_first=true" if order.year_first else f"day_first={str(bool(order.day_first)).lower()}" for order in ways
    ]
    days = [f"{readings[0].iloc[0]:%-d %B %Y}" for readings in ways.values()]
    return f"{text!r} may be {' or '.join(days)}: answer with {' or '.join(f'--read {each}' for each in answers)}"


def _which_century(year: int) -> str:
    return (
        f"a year written {year % 100:02d} may be {year - 100} or {year}: answer with "
        f"--read short_years={year // 100 * 100 - 100 + 30} or --read short_years={HUNDRED_FROM}"
    )
