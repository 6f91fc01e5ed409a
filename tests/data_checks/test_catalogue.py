"""The catalogue of expectations that a declaration may name."""

from __future__ import annotations

from typing import Any

from data_checks.catalogue import CATALOGUE, ROW_LEVEL, catalogue, core_expectations, kind_of, written
from tests.data_checks.flight_batches import check, rows

ARGUMENTS: dict[str, Any] = {
    "column": "temp",
    "column_A": "temp",
    "column_B": "late",
    "column_list": ["temp", "late"],
    "column_set": ["temp"],
    "exact_match": False,
    "value_set": [40, 41],
    "value_pairs_set": [[40, 0]],
    "min_value": 0,
    "max_value": 100,
    "value": 5,
    "type_": "float64",
    "type_list": ["float64"],
    "sum_total": 40,
    "double_sided": True,
    "threshold": 5,
    "partition_object": {"bins": [0, 50, 100], "weights": [0.5, 0.5]},
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 100]]},
    "json_schema": {"type": "integer"},
    "regex": "^U",
    "regex_list": ["^U"],
    "strftime_format": "%Y",
}
ON_TEXT = ("length", "regex", "json", "strftime", "dateutil")


def test_the_file_matches_the_installed_version() -> None:
    assert CATALOGUE.read_text(encoding="utf-8") == written(catalogue()), "run: python -m data_checks.catalogue"


def every_check(severity: str) -> list[dict[str, Any]]:
    """One check of each expectation."""
    checks = []
    for name, about in catalogue().items():
        arguments = {given: ARGUMENTS[given] for given in about["arguments"] if given in ARGUMENTS}
        if any(word in name for word in ON_TEXT):
            arguments["column"] = "carrier"
        checks.append({name: arguments, "severity": severity})
    return checks


def test_every_expectation_in_it_works_on_a_batch() -> None:
    checks = every_check("warning")
    found = check(rows(6, carrier=dict.fromkeys(range(6), "7")), *checks)
    assert [told for told in found.warnings + found.infos if "could not be checked" in told] == []
    own = [result for result in found.results if not result["standing"]]
    assert len(own) == len(checks) >= 45


def test_kinds_say_whether_rows_can_be_named() -> None:
    kinds = {name: kind_of(expectation) for name, expectation in core_expectations().items()}
    assert kinds["expect_column_values_to_be_between"] in ROW_LEVEL
    assert kinds["expect_compound_columns_to_be_unique"] in ROW_LEVEL
    assert kinds["expect_column_pair_values_to_be_equal"] in ROW_LEVEL
    assert kinds["expect_column_mean_to_be_between"] not in ROW_LEVEL
    assert kinds["expect_column_values_to_be_of_type"] not in ROW_LEVEL
    assert kinds["expect_table_row_count_to_equal"] not in ROW_LEVEL


def test_what_needs_a_database_is_left_out() -> None:
    assert not {"unexpected_rows_expectation", "expect_query_results_to_match_comparison"} & set(catalogue())
    assert "expect_column_values_to_match_like_pattern" not in catalogue()
