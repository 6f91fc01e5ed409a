"""The words of the reasons: the examples in the code, and what they must never do."""

from __future__ import annotations

import doctest

from data_checks import wording


def test_the_examples_in_the_code_hold() -> None:
    result = doctest.testmod(wording)
    assert result.attempted >= 4
    assert result.failed == 0


def test_the_order_of_arguments_does_not_change_the_words() -> None:
    one = wording.reason_of("expect_column_values_to_be_increasing", {"column": "a", "strictly": True, "b": 1})
    two = wording.reason_of("expect_column_values_to_be_increasing", {"b": 1, "strictly": True, "column": "a"})
    assert one == two


def test_a_long_set_is_cut_short() -> None:
    told = wording.reason_of("expect_column_values_to_be_in_set", {"column": "a", "value_set": list(range(100))})
    assert told.endswith(", 11, … 88 more}")


def test_a_pair_is_named_by_its_first_column() -> None:
    arguments = {"column_A": "landed", "column_B": "started"}
    told = wording.reason_of("expect_column_pair_values_a_to_be_greater_than_b", arguments)
    assert told == "landed: greater than started"
