"""Numbers as people write them come back exactly, and what is no such number is kept as its text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.sources.column_type import ColumnType
from perennial.sources.parsing import parse
from perennial.sources.read_options import ReadOptions

MARKS = [(".", ""), (".", ","), (".", " "), (".", "'"), (",", ""), (",", "."), (",", " "), (",", "'")]
SIGNS = ["$", "€", "EUR", "kr"]


def read(
    texts: list[str], kind: ColumnType = "number", decimal: Any = ".", **options: Any
) -> tuple[list[Any], list[str]]:
    """What a column is read as, and the texts that were unreadable."""
    data = "n\tx\n" + "".join(f"{n}\t{text}\n" for n, text in enumerate(texts))
    parsed = parse(
        data.encode(), ".csv", {"x": kind}, "UTC", None, decimal, read=ReadOptions(delimiter="\t", quote="", **options)
    )
    values = [None if pd.isna(value) else value for value in parsed.frame["x"]]
    unreadable = parsed.unreadable.get("x")
    return values, [] if unreadable is None else list(unreadable.dropna())


@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4)
    | st.integers(-(10**15), 10**15).map(Decimal),
    marks=st.sampled_from(MARKS),
    sign=st.sampled_from(["", *SIGNS]),
    before=st.booleans(),
    space=st.sampled_from(["", " "]),
    percent=st.sampled_from([None, "number", "share"]),
)
@settings(max_examples=300)
def test_a_number_comes_back_exactly_whatever_stands_around_it(
    number: Decimal, marks: tuple[str, str], sign: str, before: bool, space: str, percent: str | None
) -> None:
    decimal, thousands = marks
    plain = f"{number:,f}".replace(",", "~").replace(".", decimal).replace("~", thousands)
    text = (f"{sign}{space}{plain}" if before else f"{plain}{space}{sign}") if sign else plain
    text += "%" if percent and not (sign and not before) else ""
    expected = float(number.scaleb(-2)) if text.endswith("%") and percent == "share" else float(number)
    values, unreadable = read(
        [text], "number", decimal, thousands=thousands, currency=SIGNS, **({"percent": percent} if percent else {})
    )
    assert (values, unreadable) == ([expected], [])


@given(number=st.integers(-(2**63), 2**63 - 1), marks=st.sampled_from(MARKS))
def test_a_whole_number_of_64_bits_comes_back_exactly(number: int, marks: tuple[str, str]) -> None:
    text = f"{number:,}".replace(",", marks[1])
    assert read([text], "integer", marks[0], thousands=marks[1]) == ([number], [])


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("1,23", {"thousands": ","}),
        ("12,3456", {"thousands": ","}),
        ("0,123", {"thousands": ","}),
        ("1,,234", {"thousands": ","}),
        ("1.234", {"thousands": "", "decimal": ","}),
        ("3.125", {"thousands": "", "decimal": ","}),
        ("0.125", {"decimal": ","}),
        ("$5", {}),
        ("€5", {"currency": ["$"]}),
        ("$", {"currency": ["$"]}),
        ("$-$5", {"currency": ["$"]}),
        ("--5", {"currency": ["$"]}),
        ("5%", {}),
        ("%", {"percent": "number"}),
        ("1 234", {}),
        ("N/A", {"thousands": ","}),
    ],
)
def test_what_is_no_such_number_is_kept_as_its_text(text: str, options: dict[str, Any]) -> None:
    assert read([text], **options) == ([None], [text])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(5.00)", -5.0),
        ("5.00-", -5.0),
        ("5.00 -", -5.0),
        ("$(1,234.50)", -1234.5),
        ("($5)", -5.0),
        ("(5) $", -5.0),
        ("5- $", -5.0),
        ("(12%)", -0.12),
        ("-5", -5.0),
        ("5", 5.0),
        *((text, None) for text in ("(5", "5)", "(-5)", "(5)-", "-(5)", "-5-", "()", "5--", "((5))")),
    ],
)
def test_negative_numbers_of_accounts_have_one_reading(text: str, expected: float | None) -> None:
    options: dict[str, Any] = {"negatives": ["()", "5-"], "thousands": ",", "currency": ["$"], "percent": "share"}
    assert read([text], **options) == ([expected], [] if expected is not None else [text])


def test_without_the_option_they_are_unreadable() -> None:
    assert read(["(5.00)", "5.00-"]) == ([None, None], ["(5.00)", "5.00-"])
    assert read(["(5)", "7-"], "integer", negatives=["()", "5-"]) == ([-5, -7], [])


def test_texts_for_nothing_are_nothing_in_every_column_or_in_the_one_that_is_named() -> None:
    assert read(["-", " - ", "5", "-5"], nulls=["-"]) == ([None, None, 5.0, -5.0], [])
    assert read(["-", "a"], "text", nulls=["-"]) == ([None, "a"], [])
    assert read(["-999", "-999.5"], nulls_of={"x": ["-999"]}) == ([None, -999.5], [])
    assert read(["-999"], nulls_of={"n": ["-999"]}) == ([-999.0], [])


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("03/04/2024", True, "2024-04-03"),
        ("03/04/2024", False, "2024-03-04"),
        ("3-4-2024 7:05", True, "2024-04-03 07:05"),
        ("12/31/2024 12:00 AM", False, "2024-12-31"),
        ("12/31/2024 12:30 pm", False, "2024-12-31 12:30"),
        ("12/31/2024 11:59:59.25 p.m.", False, "2024-12-31 23:59:59.25"),
        ("31/12/2024", False, None),
        ("30/02/2024", True, None),
        ("12/31/2024 13:00 PM", False, None),
        ("12/31/2024 0:30 AM", False, None),
        ("12/31/24", False, None),
        ("03/04/2024", None, None),
        ("2024/12/31 18:30", None, "2024-12-31 18:30"),
        ("2024-12-31", True, "2024-12-31"),
    ],
)
def test_dates_by_slashes_are_read_in_the_declared_order(
    text: str, day_first: bool | None, expected: str | None
) -> None:
    values, unreadable = read([text], "timestamp", day_first=day_first)
    assert values == [pd.Timestamp(expected, tz="UTC") if expected else None]
    assert unreadable == ([] if expected else [text])


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_epochs_are_read_to_the_last_unit(seconds: int) -> None:
    expected = pd.Timestamp(0, tz="UTC").as_unit("s") + pd.Timedelta(seconds=seconds).as_unit("s")
    for unit, factor in (("s", 1), ("ms", 10**3), ("us", 10**6)):
        values, unreadable = read([str(seconds * factor)], "timestamp", epochs={"x": unit})
        assert (values, unreadable) == ([expected], [])
