"""Whole numbers that are likely times: seconds since 1970, or parts of them."""

from __future__ import annotations

import re

_UNITS = {10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}


def epoch_unit(text: object) -> str | None:
    """What a whole number would count if it was a time after 2001 and before 2286; None where it is no such number.

    >>> epoch_unit("1704067200000")
    'milliseconds'
    >>> epoch_unit("20240131") is None
    True
    """
    match = re.fullmatch(r"([1-9]\d*)(\.0+)?", str(text).strip())
    return _UNITS.get(len(match[1])) if match else None


def epoch_hint(text: object) -> str:
    """What to say of an unreadable time that may be an epoch; empty where it is none."""
    unit = epoch_unit(text)
    return f", which may be {unit} since 1970: write times in ISO 8601, or as timestamps" if unit else ""
