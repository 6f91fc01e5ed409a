"""The words that name a check to people: the column and what is required of it.

The words of a check never change: they are the reasons in the quarantine, which is counted by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

_TOPICS = {
    "expect_column_max_to_be_between": "maximum",
    "expect_column_mean_to_be_between": "mean",
    "expect_column_median_to_be_between": "median",
    "expect_column_min_to_be_between": "minimum",
    "expect_column_proportion_of_non_null_values_to_be_between": "share of values that are there",
    "expect_column_proportion_of_unique_values_to_be_between": "share of unique values",
    "expect_column_stdev_to_be_between": "standard deviation",
    "expect_column_sum_to_be_between": "sum",
    "expect_column_unique_value_count_to_be_between": "number of unique values",
    "expect_column_value_lengths_to_be_between": "length",
    "expect_column_values_to_be_between": "",
    "expect_table_column_count_to_be_between": "number of columns",
    "expect_table_row_count_to_be_between": "number of rows",
}
_PHRASES = {
    "expect_column_distinct_values_to_be_in_set": "distinct values in {value_set}",
    "expect_column_distinct_values_to_contain_set": "distinct values contain {value_set}",
    "expect_column_distinct_values_to_equal_set": "distinct values are {value_set}",
    "expect_column_most_common_value_to_be_in_set": "most common value in {value_set}",
    "expect_column_pair_values_a_to_be_greater_than_b": "greater than {column_B}",
    "expect_column_pair_values_to_be_equal": "equal to {column_B}",
    "expect_column_to_exist": "must be there",
    "expect_column_value_lengths_to_equal": "length {value}",
    "expect_column_values_to_be_in_set": "in {value_set}",
    "expect_column_values_to_be_null": "null",
    "expect_column_values_to_be_unique": "unique",
    "expect_column_values_to_match_regex": "matches {regex}",
    "expect_column_values_to_match_strftime_format": "matches {strftime_format}",
    "expect_column_values_to_not_be_in_set": "not in {value_set}",
    "expect_column_values_to_not_be_null": "not null",
    "expect_column_values_to_not_match_regex": "does not match {regex}",
    "expect_compound_columns_to_be_unique": "unique together",
    "expect_table_column_count_to_equal": "number of columns {value}",
    "expect_table_row_count_to_equal": "number of rows {value}",
}
_SHOWN_VALUES = 12
_PLACES = ("column", "column_A", "column_B", "column_list")
_BESIDE = ("mostly", "row_condition", "condition_parser", "ignore_row_if")


def columns_of(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a check's arguments name."""
    named = [arguments.get(place) for place in _PLACES]
    columns: list[str] = []
    for value in named:
        columns.extend([value] if isinstance(value, str) else list(value or ()))
    return tuple(columns)


def reason_of(expectation: str, arguments: Mapping[str, Any]) -> str:
    """A check in words.

    >>> reason_of("expect_column_values_to_be_between", {"column": "temp", "min_value": -30, "max_value": 115})
    'temp: between -30 and 115'
    >>> reason_of("expect_column_values_to_be_between", {"column": "temp", "min_value": 0, "strict_min": True})
    'temp: more than 0'
    >>> reason_of("expect_column_values_to_match_regex", {"column": "tailnum", "regex": "^N", "mostly": 0.99})
    'tailnum: matches ^N (for at least 99 %)'
    >>> reason_of("expect_column_values_to_be_increasing", {"column": "seq", "strictly": True})
    'seq: values to be increasing (strictly true)'
    """
    return f"{_place(expectation, arguments)}: {_asked(expectation, arguments)}{_limits(arguments)}"


def _place(expectation: str, arguments: Mapping[str, Any]) -> str:
    if "column_A" in arguments and "{column_B}" in _PHRASES.get(expectation, ""):
        return str(arguments["column_A"])
    if expectation.startswith("expect_table_"):
        return "table"
    return " + ".join(columns_of(arguments)) or "table"


def _asked(expectation: str, arguments: Mapping[str, Any]) -> str:
    if expectation in _TOPICS:
        return f"{_TOPICS[expectation]} {_range(arguments)}".strip()
    if expectation in _PHRASES:
        spelled = {name: in_words(value) for name, value in arguments.items()}
        return _PHRASES[expectation].format_map(defaultdict(lambda: "its default", spelled))
    words = expectation.removeprefix("expect_")
    for subject in ("column_pair_", "multicolumn_", "column_", "table_"):
        words = words.removeprefix(subject)
    rest = ", ".join(
        f"{name} {in_words(value)}" for name, value in sorted(arguments.items()) if name not in (*_PLACES, *_BESIDE)
    )
    return words.replace("_", " ") + (f" ({rest})" if rest else "")


def _range(arguments: Mapping[str, Any]) -> str:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    above, below = arguments.get("strict_min"), arguments.get("strict_max")
    if low is not None and high is not None and not (above or below):
        return f"between {in_words(low)} and {in_words(high)}"
    bounds = []
    if low is not None:
        bounds.append(f"more than {in_words(low)}" if above else f"at least {in_words(low)}")
    if high is not None:
        bounds.append(f"less than {in_words(high)}" if below else f"at most {in_words(high)}")
    return " and ".join(bounds)


def _limits(arguments: Mapping[str, Any]) -> str:
    """What limits a check: a sufficient share, a condition on the rows."""
    condition = f" where {arguments['row_condition']}" if arguments.get("row_condition") else ""
    mostly = arguments.get("mostly")
    return condition + (f" (for at least {mostly * 100:g} %)" if isinstance(mostly, int | float) and mostly < 1 else "")


def in_words(value: Any) -> str:
    """An argument's value as people write it: sets in braces and shortened, times in UTC."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        members = [in_words(member) for member in value]
        more = f", … {len(members) - _SHOWN_VALUES} more" if len(members) > _SHOWN_VALUES else ""
        return "{" + ", ".join(members[:_SHOWN_VALUES]) + more + "}"
    return str(value)
