"""Golden rows are made up: they hold nobody's row, and every model can be asked about them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from perennial.model.artifact import EXTRAS
from perennial.model.golden import ROWS, agree, as_inputs, made_up_rows
from tests.training.conftest import Saved, accepted, fitted_on
from tests.world import World

COLUMN = st.one_of(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=5).map(
        lambda values: pd.Series(values, dtype="float64")
    ),
    st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=5).map(
        lambda values: pd.Series(values, dtype="object")
    ),
    st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=5).map(
        lambda values: pd.Series(values, dtype="object")
    ),
)


def seen_in(column: pd.Series) -> tuple[str, ...]:
    return tuple(sorted({str(value) for value in column.dropna()}))


@given(COLUMN)
def test_any_column_gives_rows_that_survive_json(column: pd.Series) -> None:
    inputs = pd.DataFrame({"x": column})
    rows = made_up_rows(inputs, {"x": seen_in(column)})
    again = json.loads(json.dumps(rows))
    assert again == rows and len(rows["data"]) == ROWS
    made = as_inputs(again)["x"]
    assert column.isna().any() or not made.isna().any() or np.isinf(column.to_numpy(dtype=float)).any()
    assert made.dtype == object or not np.isinf(made).any()


def test_no_value_of_a_row_is_in_the_files_of_a_model(world: World, month: pd.DataFrame, saved: Saved) -> None:
    folder = saved(fitted_on(world, month))
    golden = json.loads((folder / EXTRAS / "model.json").read_text())["golden"]
    place = {name: number for number, name in enumerate(golden["columns"])}
    rows = accepted(month)
    for name in ("price", "weight"):
        theirs = set(rows[name])
        assert sum(row[place[name]] in theirs for row in golden["data"]) <= 1, "no more than by chance"
    assert {row[place["carrier"]] for row in golden["data"]} == {"bike", "post", "van"}
    written = "".join(path.read_text() for path in Path(folder / EXTRAS).iterdir())
    assert not any(order in written for order in month["order"])


def test_numbers_stay_on_their_side_of_zero_and_one() -> None:
    share = np.linspace(0.9, 1.0, 11)
    rows = as_inputs(made_up_rows(pd.DataFrame({"share": share, "price": share * 100, "debt": -share}), {}))
    assert rows["share"].between(0, 1).all() and (rows["price"] > 0).all() and (rows["debt"] < 0).all()
    assert rows["share"].nunique() > 10


def test_predictions_agree_only_number_for_number() -> None:
    assert agree([1.0, float("nan")], [1.0, float("nan")])
    assert agree([1e12 + 1e-3], [1e12])
    assert not agree([1.0, float("nan")], [1.0, 2.0])
    assert not agree([1.0], [1.0, 1.0])
    assert not agree([1.0 + 1e-6], [1.0])
