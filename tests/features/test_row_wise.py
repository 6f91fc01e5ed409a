"""A derived feature that needs other rows is found at training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perennial.features.recipe import Recipe
from perennial.features.row_wise import first_difference, row_wise
from perennial.sources.column_type import ColumnType

TYPES: dict[str, ColumnType] = {"order": "text", "at": "timestamp", "price": "number", "shelf": "integer"}
CODE = """
import pandas as pd

def per_shelf(rows): return rows["price"] / rows["shelf"]
def hour(rows): return rows["at"].dt.tz_convert("America/New_York").dt.hour.astype("float64")
def initial(rows): return rows["order"].str[:1]
def above_average(rows): return rows["price"] - rows["price"].mean()
def of_its_shelf(rows): return rows.groupby("shelf")["price"].transform("max")
def written(rows): return rows["shelf"].astype(str)
def second(rows): return rows["price"].iloc[[1]].iloc[0] + rows["price"]
def lost(rows): return rows["nowhere"]
"""


def rows(n: int = 200) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "order": pd.Series([f"o{i}" for i in range(n)], dtype="str"),
            "at": pd.date_range("2024-01-01", periods=n, freq="7h", tz="UTC").as_unit("us"),
            "price": draw.gamma(2, 20, n),
            "shelf": draw.integers(1, 9, n),
            "_perennial_row": range(n),
        }
    )


def recipe(*names: str) -> Recipe:
    derived = tuple(f"shop.py:{name}" for name in names)
    return Recipe(categorical=(), numeric=(), derived=derived, hidden=("returned",), sources={"shop.py": CODE})


def test_functions_of_one_row_may_serve_single_records() -> None:
    known = row_wise(recipe("per_shelf", "hour", "initial"), rows(), TYPES)
    assert known is not None and known.reason is None
    assert known.reads == ("order", "at", "price", "shelf")


@pytest.mark.parametrize("name", ["above_average", "of_its_shelf"])
def test_a_function_of_several_rows_is_named(name: str) -> None:
    known = row_wise(recipe("hour", name), rows(), TYPES)
    assert known is not None
    assert known.reason == (
        f"derived feature {name!r} is not row-wise: a row gives another value alone than among others"
    )


def test_a_function_that_fails_on_a_single_row_is_named() -> None:
    known = row_wise(recipe("second"), rows(), TYPES)
    assert known is not None
    assert known.reason == "derived feature 'second' is not row-wise: it fails on a single row"


def test_a_function_of_the_type_that_a_whole_column_has_is_named() -> None:
    """Whole numbers with a gap are floats in a batch, and whole numbers alone."""
    with_a_gap = rows()
    with_a_gap["shelf"] = with_a_gap["shelf"].astype("float64")
    with_a_gap.loc[3, "shelf"] = np.nan
    known = row_wise(recipe("written"), with_a_gap, TYPES)
    assert known is not None and known.reason is not None and "'written'" in known.reason


def test_the_values_are_given_to_who_asks_and_not_stored() -> None:
    made = recipe("above_average")
    difference = first_difference(made.functions(made.derived), rows()[list(TYPES)], TYPES, [4])
    assert difference is not None
    stored, shown = difference
    assert shown.startswith("derived feature 'above_average' is not row-wise: row 4 gives 0.0 alone and ")
    assert "0.0" not in stored


def test_without_custom_functions_nothing_is_recorded() -> None:
    assert row_wise(recipe(), rows(), TYPES) is None
