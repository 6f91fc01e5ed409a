"""Evaluation rows on disk are read and predicted as if they were in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perennial.deciding.labelled_rows import EvaluationRows
from perennial.features.recipe import Recipe
from perennial.features.row_wise import RowWise
from perennial.model.artifact import Fitted
from perennial.store.bounded import Bounds
from perennial.store.rows import frame_of
from perennial.store.stored_rows import StoredRows, kept_rows
from perennial.store.stream import Stream
from perennial.store.whole_types import WholeTypes


def table() -> pa.Table:
    """Made anew each time: `frame_of` uses it up."""
    return pa.table(
        {
            "key": pa.array(range(9), pa.int64()),
            "count": pa.array([1, 2, 3, 4, None, 6, 7, 8, 9], pa.int64()),
            "large": pa.array([2**60 + 1, None, 3, 4, 5, 6, 7, 8, 9], pa.int64()),
            "flag": pa.array([True, False, None, True, True, False, True, True, False]),
            "plain": pa.array([True] * 9),
            "name": pa.array(["a", None, *"bcdefgh"]),
        }
    )


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredRows:
    """The rows in parts of four, which arrive in another order."""
    monkeypatch.setattr("perennial.store.stored_rows.PART", 4)
    types, arriving = WholeTypes(), table()

    def parts() -> Iterator[pa.Table]:
        for part in (arriving.slice(5), arriving.slice(0, 5)):
            types.see(part)
            yield part

    return kept_rows(Bounds(2**30, tmp_path), Stream(arriving.schema, parts()), ["key"], types)


class _Counting(Fitted):
    """Predicts how many rows it gets together."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full(len(rows), len(rows))


def model(derived: tuple[str, ...], row_wise: RowWise | None) -> Fitted:
    recipe = Recipe(categorical=(), numeric=("count",), derived=derived, hidden=(), sources={})
    return _Counting(None, recipe, "binary", {}, 0.5, (), row_wise)


def test_every_part_has_the_types_of_all_rows_together(rows: StoredRows) -> None:
    whole = frame_of(table())
    pd.testing.assert_frame_equal(pd.concat(rows.frames(), ignore_index=True), whole)
    for part in rows.frames():
        assert part.dtypes.to_dict() == whole.dtypes.to_dict()
    for name in rows.columns:
        pd.testing.assert_series_equal(rows[name], whole[name])


@pytest.mark.parametrize(
    ("derived", "row_wise", "together"),
    [
        ((), None, [4, 4, 4, 4, 4, 4, 4, 4, 1]),
        (("shop.py:rank",), RowWise(reason=None, reads=()), [4, 4, 4, 4, 4, 4, 4, 4, 1]),
        (("shop.py:rank",), RowWise(reason="it is not row-wise", reads=()), [9] * 9),
        (("shop.py:rank",), None, [9] * 9),
    ],
)
def test_a_custom_feature_that_may_need_all_rows_gets_them(
    rows: StoredRows, derived: tuple[str, ...], row_wise: RowWise | None, together: list[int]
) -> None:
    judging = EvaluationRows(rows, np.zeros(9, np.int64), ("2024-01-01",), 1.0)
    assert judging.predictions(model(derived, row_wise)).tolist() == together


def test_rows_at_some_places_keep_their_order(rows: StoredRows) -> None:
    judging = EvaluationRows(rows, np.zeros(9, np.int64), ("2024-01-01",), 1.0)
    assert judging.at(np.array([8, 0, 5]), ["name"])["name"].tolist() == ["h", "a", "e"]
    assert judging.at(np.empty(0, np.int64), ["key"]).empty
