"""Results of a check on the parts of a large batch, put together to the result that all rows have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_checks.running import CheckResult
    from data_checks.suite import Planned

_ABOUT_SINGLE_ROWS = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_pair_values_to_be_in_set",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_dateutil_parseable",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_be_null",
        "expect_column_values_to_match_json_schema",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_match_regex_list",
        "expect_column_values_to_match_strftime_format",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
        "expect_column_values_to_not_match_regex_list",
        "expect_multicolumn_sum_to_equal",
        "expect_multicolumn_values_to_be_equal",
        "expect_select_column_values_to_be_unique_within_record",
    }
)
_UNIQUE = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})
_EXAMPLES = 20
"""The failing values that Great Expectations reports."""


def is_about_single_rows(check: Planned) -> bool:
    """Whether each row passes or fails by itself. A condition with a call may be about all rows, as of their mean."""
    return check.expectation.expectation_type in _ABOUT_SINGLE_ROWS and "(" not in _condition(check)


def is_about_unique_rows(check: Planned) -> bool:
    """Whether a row passes unless another one has the same values."""
    return check.expectation.expectation_type in _UNIQUE and not _condition(check)


def _condition(check: Planned) -> str:
    return str(check.expectation.configuration.kwargs.get("row_condition") or "")


def merged(parts: Sequence[CheckResult]) -> CheckResult:
    """The result of a check on all rows, from those on some of them; the first failure where it failed.

    The rows of all parts fail in the order of the parts.
    """
    for part in parts:
        if part.exception is not None:
            return part
    first = parts[0]
    rows, failed, missing = (
        sum(part.result.get(name) or 0 for part in parts)
        for name in ("element_count", "unexpected_count", "missing_count")
    )
    looked_at = rows - missing
    among_all, among_these = (failed / of * 100 if of else None for of in (rows, looked_at))
    values: dict[str, Any] = {
        "element_count": rows,
        "unexpected_count": failed,
        "unexpected_percent": among_these,
        "partial_unexpected_list": _all(parts, "partial_unexpected_list")[:_EXAMPLES],
        "missing_count": missing,
        "missing_percent": missing / rows * 100 if rows else None,
        "unexpected_percent_total": among_all,
        "unexpected_percent_nonmissing": among_these,
        "unexpected_index_list": _all(parts, "unexpected_index_list"),
    }
    mostly = first.arguments.get("mostly")
    success = not looked_at or (looked_at - failed) / looked_at >= (1.0 if mostly is None else mostly)
    return replace(first, success=success, result={name: values[name] for name in first.result if name in values})


def _all(parts: Sequence[CheckResult], name: str) -> list[Any]:
    return list(chain.from_iterable(part.result.get(name) or () for part in parts))
