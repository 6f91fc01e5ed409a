"""The pipeline itself as a scorer: the reference of all others, used for a model that none of them fits.

The last bits of a pipeline's prediction may depend on the rows beside it: BLAS rounds a matrix otherwise than a row,
and numpy adds up several rows in another order than one. So the way of asking is part of what a prediction is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perennial.serving.scorers.scorer import Asked, Columns, Model

if TYPE_CHECKING:
    import pandas as pd

_COMPARED = 24


class WholePipeline:
    """Needs pandas and scikit-learn."""

    def __init__(self, model: Model, asked: Asked) -> None:
        self._model, self.asked = model, asked

    def score(self, columns: Columns) -> np.ndarray:
        return predictions(self._model, as_frame(columns, self._model), self.asked)


def as_frame(columns: Columns, model: Model) -> pd.DataFrame:
    """The pipeline's input: text as objects with None if missing, numbers as float64."""
    import pandas as pd

    made = {}
    for name in model.names:
        kind = "object" if name in model.text else "float64"
        made[name] = pd.Series(np.array(columns[name], dtype=kind), dtype=kind)
    return pd.DataFrame(made)


def predictions(model: Model, inputs: pd.DataFrame, asked: Asked) -> np.ndarray:
    """The pipeline's predictions, shape (n,) or (n, k), n ≥ 1, asked in this way."""
    from perennial.model.predicting import predict

    if asked == "alone":
        rows = [predict(model.pipeline, inputs.iloc[i : i + 1], model.task) for i in range(len(inputs))]
        return np.concatenate(rows)
    doubled = asked == "beside" and len(inputs) == 1
    made: np.ndarray = predict(model.pipeline, inputs.iloc[[0, 0]] if doubled else inputs, model.task)
    return made[:1] if doubled else made


def way_of_asking(model: Model, inputs: pd.DataFrame) -> Asked:
    """The first of the ways in which each of these rows gets the same bits whatever rows are beside it.

    inputs: shape (n, columns); the first `_COMPARED` rows are asked in several groups.
    """
    some = inputs.iloc[:_COMPARED]
    whole = predictions(model, some, "together")
    groups = (2, 3, 7)
    for size in groups:
        parts = [predictions(model, some.iloc[i : i + size], "beside") for i in range(0, len(some), size)]
        if not same_bits(np.concatenate(parts), whole).all():
            return "alone"
    longer = predictions(model, inputs, "together")[: len(some)]
    if not same_bits(longer, whole).all():
        return "alone"
    return "together" if same_bits(predictions(model, some, "alone"), whole).all() else "beside"


def same_bits(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """For each row, whether both predictions are the same to the last bit, shape (n,). NaN is the same as NaN."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return np.zeros(len(other), dtype=bool)
    same = (one == other) & (np.signbit(one) == np.signbit(other)) | (np.isnan(one) & np.isnan(other))
    made: np.ndarray = same.reshape(len(same), -1).all(axis=1)
    return made
