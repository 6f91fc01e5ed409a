"""Columns that hold no more than the number of each row, which pandas wrote beside the data."""

from __future__ import annotations

import re


def is_row_number(name: str) -> bool:
    """Whether a column is called as pandas calls its index.

    >>> [is_row_number(name) for name in ("", "Unnamed: 0", "__index_level_0__", "id")]
    [True, True, True, False]
    """
    return name == "" or re.fullmatch(r"Unnamed: \d+(_level_\d+)?|__index_level_\d+__", name) is not None
