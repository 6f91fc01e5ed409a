"""`check` finds the values of a check's arguments that Great Expectations would refuse, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from data_checks.suite import build_suite
from perennial.errors import InputError
from perennial.usecase.rules_of_checks import _expected
from tests.data_checks.flight_batches import END, declare

BETWEEN, MATCH, IN_SET = (f"expect_column_values_to_{each}" for each in ("be_between", "match_regex", "be_in_set"))


@pytest.mark.parametrize(
    ("expectation", "argument", "value"),
    [
        *((BETWEEN, "min_value", value) for value in (0, -1.5, "5", "2013-01-31T14:00", "abc", [1])),
        *((BETWEEN, "mostly", value) for value in (0, 0.5, 1, 2, "most")),
        *((BETWEEN, "strict_min", value) for value in (True, False, "perhaps")),
        *((MATCH, "regex", value) for value in ("^N", "N")),
        *((IN_SET, "value_set", value) for value in ([1], "UA", 7)),
    ],
)
def test_a_value_is_refused_by_both_or_by_none(expectation: str, argument: str, value: Any) -> None:
    needed = {"min_value": 0} if expectation == BETWEEN else {}
    declaration = declare({expectation: {"column": "temp", **needed, argument: value}})
    try:
        build_suite(declaration, as_of=END, batch_window=None)
        refused = False
    except InputError:
        refused = True
    assert (_expected(argument, value) is not None) == refused


def test_a_pattern_that_cannot_be_read_is_refused_before_a_batch_is_there() -> None:
    assert _expected("regex", "[A-") is not None
