"""Rows of a title above the header of a table: a report's name, its date, an empty row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median_low
from typing import Any

_MOST_ABOVE = 30
_NUMBER = re.compile(r"[\s$€£+-]*\d[\d.,:/ -]*%?\s*")


def rows_above_header(rows: Sequence[Sequence[Any]]) -> int | None:
    """How many rows stand above the one that names the columns; None where the first one does, or none is clear.

    rows: cells as they stand, None or an empty text for nothing.

    >>> rows_above_header([["Sales of March"], ["order", "price"], ["A1", "5"], ["A2", "7"]])
    1
    >>> rows_above_header([["order", "price"], ["A1", "5"], ["A2", "7"]]) is None
    True
    """
    filled = [sum(_is_there(cell) for cell in row) for row in rows]
    if len(rows) < 3:
        return None
    usual = median_low(filled)
    if usual < 2 or filled[0] > usual / 2:
        return None
    for place in range(1, min(len(rows) - 1, _MOST_ABOVE + 1)):
        if filled[place] <= usual / 2:
            continue
        return place if filled[place] >= usual and _names(rows[place]) else None
    return None


def _names(row: Sequence[Any]) -> bool:
    """Whether cells may be names of columns: different texts, none of them a number or a date."""
    cells = [str(cell).strip() for cell in row if _is_there(cell)]
    return len(set(cells)) == len(cells) and not any(_NUMBER.fullmatch(cell) for cell in cells)


def _is_there(cell: Any) -> bool:
    return cell is not None and bool(str(cell).strip())
