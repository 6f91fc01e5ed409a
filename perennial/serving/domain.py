"""What a field's values must be, from the declaration's data checks that look at one value at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from perennial.sources.column_type import ColumnType
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration


@dataclass(frozen=True)
class Domain:
    """The values of one field. words: completes "VALUE is not …". required: in a batch, a row outside is set aside."""

    field: str
    words: str
    holds: Callable[[Any], bool]
    required: bool


_KNOWN_ARGUMENTS = {"column", "min_value", "max_value", "strict_min", "strict_max", "value_set", "regex"}


def domains_of(declaration: Declaration) -> tuple[Domain, ...]:
    """The domains that the checks of a declaration state. Critical ones are required, others are noted.

    A check with other arguments, such as `mostly` or a row condition, is about the batch as a whole and left to it.
    """
    types = column_types(declaration)
    made = []
    for check in declaration.checks:
        column = check.arguments.get("column")
        if column not in types or set(check.arguments) - _KNOWN_ARGUMENTS:
            continue
        rule = _rule(check.expectation, check.arguments, types[column])
        if rule is not None:
            made.append(Domain(column, *rule, check.severity == "critical"))
    return tuple(made)


def _rule(expectation: str, arguments: Mapping[str, Any], kind: ColumnType) -> tuple[str, Callable[[Any], bool]] | None:
    if expectation == "expect_column_values_to_not_be_null":
        return "known", lambda value: value is not None
    if expectation == "expect_column_values_to_be_in_set" and isinstance(arguments.get("value_set"), list):
        allowed = frozenset(arguments["value_set"])
        return f"one of {', '.join(map(str, arguments['value_set']))}", lambda value: value is None or value in allowed
    if expectation == "expect_column_values_to_match_regex" and kind == "text":
        pattern = re.compile(arguments["regex"])
        search = pattern.search
        return f"of the form {pattern.pattern}", lambda value: value is None or search(value) is not None
    if expectation == "expect_column_values_to_be_between" and kind in ("number", "integer"):
        return _between(arguments)
    return None


def _between(arguments: Mapping[str, Any]) -> tuple[str, Callable[[Any], bool]] | None:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if not all(bound is None or isinstance(bound, int | float) for bound in (low, high)):
        return None
    least = float("-inf") if low is None else low
    most = float("inf") if high is None else high
    above, below = arguments.get("strict_min", False), arguments.get("strict_max", False)
    if not above and not below:

        def holds(value: Any) -> bool:
            return value is None or least <= value <= most

    else:

        def holds(value: Any) -> bool:
            return value is None or (
                (least < value if above else least <= value) and (value < most if below else value <= most)
            )

    words = [f"{'above' if above else 'at least'} {low}"] if low is not None else []
    words += [f"{'below' if below else 'at most'} {high}"] if high is not None else []
    return " and ".join(words) or "a number", holds
