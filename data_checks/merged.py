"""Checks of single values on the parts of a large frame, put together to the result that all rows have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from data_checks.running import CheckResult
    from data_checks.suite import Planned

_ABOUT_SINGLE_VALUES = frozenset(
    f"expect_column_{each}"
    for each in (
        "values_to_be_null",
        "values_to_not_be_null",
        "values_to_be_between",
        "values_to_be_in_set",
        "values_to_not_be_in_set",
        "values_to_match_regex",
        "values_to_not_match_regex",
        "value_lengths_to_be_between",
        "value_lengths_to_equal",
    )
)
_UNIQUE = "expect_column_values_to_be_unique"
_EXAMPLES = 20
"""The failing values that Great Expectations reports."""


def can_be_merged(check: Planned, parts: Sequence[pd.DataFrame]) -> bool:
    """Whether each row of a part passes or fails as it would among all rows.

    A value that is to be unique does if each part only has values above all those of the part before.
    """
    kind = check.expectation.expectation_type
    if kind != _UNIQUE:
        return kind in _ABOUT_SINGLE_VALUES
    columns = (part[check.expectation.configuration.kwargs["column"]].dropna() for part in parts)
    ends = [(column.min(), column.max()) for column in columns if len(column)]
    return all(last < first for (_, last), (first, _) in pairwise(ends))


def merged(parts: Sequence[CheckResult]) -> CheckResult:
    """The result of a check that `can_be_merged`; the first failure where it failed."""
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
