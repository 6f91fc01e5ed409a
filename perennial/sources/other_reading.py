"""Which option reads a text as the number that it was not read as."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from perennial.sources.numbers import read_numbers
from perennial.sources.read_options import Negative
from perennial.sources.written import MARKS, Decimal, Written, plain_numbers


def other_reading(text: str, how: Written) -> str | None:
    """The field of a declaration with the value that reads `text` as a number; None if no single one does.

    how: how the column is read now, which does not read the text. A change of the decimal mark is the last to be
    tried, because it changes how every other number of the files is read.

    >>> other_reading("1.373,12", Written(decimal=",", thousands=""))
    'source.read.thousands: "."'
    >>> other_reading("three", Written()) is None
    True
    """
    return next((field for field, tried in _others(text, how) if _is_number(text, tried)), None)


def _others(text: str, how: Written) -> Iterator[tuple[str, Written]]:
    """Fields with their value as YAML, and how texts are read with it."""
    for mark in MARKS:
        if mark not in (how.thousands, how.decimal):
            yield f"source.read.thousands: {json.dumps(mark)}", replace(how, thousands=mark)
    ways: tuple[Negative, ...] = get_args(Negative)
    for way in ways:
        if way not in how.negatives:
            more = (*how.negatives, way)
            yield f"source.read.negatives: {json.dumps(more)}", replace(how, negatives=more)
    if not how.percent:
        yield "source.read.percent: number", replace(how, percent="number")
    if (sign := re.sub(r"[\d.,'+\-()%\s]", "", text)) and len(sign) <= len("US$"):
        signs = (*how.currency, sign)
        yield f"source.read.currency: {json.dumps(signs, ensure_ascii=False)}", replace(how, currency=signs)
    other: Decimal = "." if how.decimal == "," else ","
    yield f'schema.decimal: "{other}"', replace(how, decimal=other)


def _is_number(text: str, how: Written) -> bool:
    import pyarrow as pa

    return bool(read_numbers(plain_numbers(pa.array([text.strip()]), how))[0].is_valid)
