"""The catalogue of Great Expectations' core expectations, written to a file.

`perennial check` reads `perennial/usecase/expectations.json`, so it does not need Great Expectations, which takes
seconds to import. `python -m data_checks.catalogue` regenerates the file from the installed version; a test fails while
it is stale.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_checks.quiet import great_expectations

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Kind = Literal["row", "pair", "multicolumn", "aggregate", "table"]

CATALOGUE = Path(__file__).parent.parent / "perennial" / "usecase" / "expectations.json"

ROW_LEVEL: frozenset[Kind] = frozenset({"row", "pair", "multicolumn"})
"""Kinds that identify the rows that failed; the others concern the batch as a whole."""

_ABOUT_THE_COLUMN = {"expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"}
"""Row-level in name only: a typed column passes or fails them as a whole."""

_LEFT_OUT = {"expect_table_columns_to_match_ordered_list"}
_ARGUMENTS_LEFT_OUT = {"library_metadata", "column_index"}
"""A batch is read by column names; the order of its columns is not kept."""


def core_expectations() -> dict[str, type[Expectation]]:
    """Great Expectations' core expectations that work on a data frame, by name."""
    great_expectations()
    from great_expectations.expectations import core
    from great_expectations.expectations.expectation import Expectation

    members = (member for _, member in inspect.getmembers(core, inspect.isclass) if issubclass(member, Expectation))
    named = {m.expectation_type: m for m in members if m.expectation_type.startswith("expect_")}
    return {name: member for name, member in sorted(named.items()) if name not in _LEFT_OUT and _on_pandas(member)}


def _on_pandas(expectation: type[Expectation]) -> bool:
    """Whether an expectation supports pandas: it declares so or, since some declare nothing, its metric exists."""
    from great_expectations.exceptions import MetricProviderError
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.registry import get_metric_provider

    if "Pandas" in getattr(inspect.getmodule(expectation), "SUPPORTED_DATA_SOURCES", ()):
        return True
    try:
        get_metric_provider(f"{getattr(expectation, 'map_metric', None)}.condition", PandasExecutionEngine())
    except MetricProviderError:
        return False
    return True


def kind_of(expectation: type[Expectation]) -> Kind:
    """What an expectation concerns: single rows, or the whole column or table."""
    from great_expectations.expectations import expectation as families

    if expectation.expectation_type in _ABOUT_THE_COLUMN:
        return "aggregate"
    kinds: list[tuple[type, Kind]] = [
        (families.ColumnMapExpectation, "row"),
        (families.ColumnPairMapExpectation, "pair"),
        (families.MulticolumnMapExpectation, "multicolumn"),
        (families.ColumnAggregateExpectation, "aggregate"),
    ]
    return next((kind for family, kind in kinds if issubclass(expectation, family)), "table")


def catalogue() -> dict[str, dict[str, Any]]:
    """Name → kind, description and arguments of every expectation that a declaration may use.

    Arguments that every expectation has (severity, meta, …) are set by Perennial and left out.
    """
    expectations = core_expectations()
    from great_expectations.expectations.expectation import BatchExpectation

    ours = set(BatchExpectation.__fields__) | _ARGUMENTS_LEFT_OUT
    return {
        name: {
            "arguments": {
                argument: {"required": bool(field.required)}
                for argument, field in expectation.__fields__.items()
                if argument not in ours
            },
            "description": _first_line(expectation),
            "kind": kind_of(expectation),
        }
        for name, expectation in expectations.items()
    }


def _first_line(expectation: type[Expectation]) -> str:
    return (expectation.__doc__ or "").strip().splitlines()[0].strip()


def written(entries: dict[str, dict[str, Any]]) -> str:
    """The file's text: the same for the same entries."""
    return json.dumps(entries, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    CATALOGUE.write_text(written(catalogue()), encoding="utf-8")
