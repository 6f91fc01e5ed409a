"""Predictions of a fitted pipeline, with prepared inputs and a bounded number of threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perennial.model.threads import bounded_threads

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


def text_columns(inputs: pd.DataFrame) -> list[str]:
    """Names of the columns that hold text or booleans rather than numbers."""
    import pandas as pd

    return [c for c in inputs.columns if not pd.api.types.is_numeric_dtype(inputs[c].dtype)]


def ready(inputs: pd.DataFrame) -> pd.DataFrame:
    """Inputs in the form that the pipeline expects: text as objects with None if missing, numbers as float64."""
    import numpy as np
    import pandas as pd

    text = set(text_columns(inputs))
    columns: dict[str, Any] = {}
    for name in inputs.columns:
        if isinstance(inputs[name].dtype, pd.StringDtype):
            # Equal texts share one object, which is faster to make, and to look up in an encoder.
            places, distinct = pd.factorize(inputs[name])
            columns[name] = np.array([*distinct, None], dtype="object")[places]
        elif name in text:
            values = inputs[name].astype("object")
            columns[name] = values.where(inputs[name].notna(), None).astype("object").to_numpy()
        else:
            columns[name] = inputs[name].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.DataFrame(columns, index=inputs.index)


def predict(pipeline: Pipeline, inputs: pd.DataFrame, task: str) -> Any:
    """One prediction per row, shape (n,): the probability of the positive class, or the predicted number.

    `multiclass`: shape (n, k), the probability of each class that was trained on.
    """
    if not len(inputs):
        import numpy as np

        return np.empty((0, len(pipeline.classes_)) if task == "multiclass" else 0)
    table = ready(inputs)
    with bounded_threads():
        if task == "multiclass":
            return pipeline.predict_proba(table)
        return pipeline.predict_proba(table)[:, 1] if task == "binary" else pipeline.predict(table)


def weighted(predictions: Sequence[Any], weights: Sequence[float]) -> Any:
    """The weighted mean of several models' predictions, each of shape (n,) or (n, K), in that shape."""
    import numpy as np

    if len(predictions) == 1:
        return predictions[0]
    return np.average(np.stack(predictions), axis=0, weights=weights)


def in_places(probabilities: Any, present: Any, classes: int) -> Any:
    """Probabilities of k classes, shape (n, k), expanded to K classes, shape (n, K): 0 for those never trained on.

    present: shape (k,), the position of each column among the K classes, or -1 if it is no longer a class.
    """
    import numpy as np

    placed = np.zeros((len(probabilities), classes), dtype=probabilities.dtype)
    kept = [column for column, place in enumerate(present) if place >= 0]
    placed[:, [present[column] for column in kept]] = probabilities[:, kept]
    return placed
