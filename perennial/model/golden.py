"""Golden predictions: a model's predictions for a few synthetic rows, which reveal libraries that change them.

No training row is stored, so that erasing a person's row leaves no trace here and the model's digest stays valid.
Numbers are drawn around each column's mean, texts from the categories that the model stores anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.model.predicting import text_columns

if TYPE_CHECKING:
    import pandas as pd

ROWS = 50
TOLERANCE = 1e-9


def made_up_rows(inputs: pd.DataFrame, seen: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Rows with the columns of `inputs`, ready for JSON: `columns`, `data`, and which columns are `text`.

    inputs: the training inputs, shape (n, columns). seen: the categories of its text columns.
    """
    draw = np.random.default_rng(0)
    text = text_columns(inputs)
    columns = [
        _texts(draw, inputs[name], seen.get(name, ())) if name in text else _numbers(draw, inputs[name])
        for name in inputs.columns
    ]
    return {"columns": list(inputs.columns), "data": [list(row) for row in zip(*columns, strict=True)], "text": text}


def as_inputs(rows: dict[str, Any]) -> pd.DataFrame:
    """Synthetic rows in the form that the pipeline expects."""
    import pandas as pd

    frame = pd.DataFrame(rows["data"], columns=rows["columns"])
    return frame.astype({name: "object" if name in rows["text"] else "float64" for name in rows["columns"]})


def gap(actual: Any, expected: Any) -> float:
    """The largest difference of two sets of predictions, shape (n,) or (n, k); infinite if only one is a number."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    if actual.shape != expected.shape or (np.isfinite(actual) != np.isfinite(expected)).any():
        return float("inf")
    both = np.isfinite(expected)
    return float(np.max(np.abs(actual[both] - expected[both]), initial=0.0))


def agree(actual: Any, expected: Any) -> bool:
    """Whether the predictions agree, to a billionth of the largest."""
    largest = np.asarray(expected, dtype=float)
    return gap(actual, expected) <= TOLERANCE * float(np.max(np.abs(largest[np.isfinite(largest)]), initial=1.0))


def _numbers(draw: np.random.Generator, column: pd.Series) -> list[float | None]:
    """Numbers around the mean, within [0, ∞), (−∞, 0] or [0, 1] if the column is; with some nulls if it has nulls."""
    values = column.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
    values = values[np.isfinite(values)]
    noise, absent = draw.standard_normal(ROWS), draw.random(ROWS) < 0.1
    if not len(values):
        return [None] * ROWS
    with np.errstate(over="ignore", invalid="ignore"):
        mean, made = float(values.mean()), values.mean() + values.std() * noise
    if not np.isfinite(made).all():  # the sum overflows
        return [0.0] * ROWS
    if values.min() >= 0:
        made = np.maximum(made, mean / 10)
    if values.max() <= 0:
        made = np.minimum(made, mean / 10)
    if values.min() >= 0 and values.max() <= 1:
        made = np.minimum(made, 1.0)
    rounded = [float(f"{value:.6g}") for value in made]
    has_nulls = len(values) < len(column)
    return [None if has_nulls and gone else value for value, gone in zip(rounded, absent, strict=True)]


def _texts(draw: np.random.Generator, column: pd.Series, seen: tuple[str, ...]) -> list[str | bool | None]:
    present = column.dropna()
    known: list[str | bool] = list(seen)
    if len(present) and all(isinstance(value, bool | np.bool_) for value in present.unique()):
        known = [False, True]
    places, absent = draw.random(ROWS), draw.random(ROWS) < 0.1
    if not known:
        return [None] * ROWS
    has_nulls = len(present) < len(column)
    return [
        None if has_nulls and gone else known[int(place * len(known))]
        for place, gone in zip(places, absent, strict=True)
    ]
