"""The scikit-learn pipeline: categories as ordered codes, numbers as they are, then the declared estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from perennial.training.estimators import (
    MONOTONE,
    by_position,
    category_handling,
    default_params,
    estimator_type,
    instance,
    made_by_team,
    native_categories,
)
from perennial.training.threads import bounded_threads
from perennial.usecase.declared_model import Model
from perennial.usecase.importable import is_own

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

_MOST_CATEGORIES = 254  # histogram trees hold 255 bins, one of them for the rest


def build_pipeline(model: Model, inputs: pd.DataFrame, sources: Mapping[str, str] | None = None) -> Pipeline:
    """An unfitted pipeline for inputs of these columns and types.

    Text columns become codes or indicators as `model.categories` says (a value never seen in training is a
    missing one, the rarest share a code); an estimator that knows categories is told which columns they are,
    unless `params` say otherwise. A column without a single value is left out: histogram trees cannot be fitted
    with it. A team's own function (`file.py:function`, in `sources`) gets the columns as they are, by name.
    Raises InputError for an import path or parameter that does not exist.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    if is_own(model.estimator):
        return Pipeline([("estimator", made_by_team(model, sources or {}))])
    filled = inputs.loc[:, inputs.notna().any()]
    text = text_columns(filled)
    numbers = [name for name in filled.columns if name not in text]
    kind = estimator_type(model.estimator)
    handling = category_handling(model, kind)
    params = default_params(model, kind)
    if handling == "native" and text:
        for name, value in native_categories(kind, len(text), len(numbers)).items():
            params.setdefault(name, value)
    most = min(_MOST_CATEGORIES, params.get("max_bins", 255) - 1)
    # Counting is slow, so only where there is something to group.
    crowded = any(inputs[name].nunique() > most for name in text)
    columns = ColumnTransformer(
        [("text", _encoder(handling, most if crowded else None), text), ("numbers", "passthrough", numbers)]
    )
    constraint = MONOTONE.intersection(params)
    if any(isinstance(params[name], dict) for name in constraint):
        outputs = columns.fit(ready(inputs)).get_feature_names_out()
        for name in constraint:
            params[name] = by_position(name, params[name], inputs, numbers, list(outputs))
    return Pipeline([("columns", columns), ("estimator", instance(model, kind, params))])


def _encoder(handling: str, most: int | None) -> Any:
    import numpy as np
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    if handling == "onehot":
        return OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=most)
    return OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=most
    )


def text_columns(inputs: pd.DataFrame) -> list[str]:
    """Names of the columns that hold text or booleans rather than numbers."""
    import pandas as pd

    return [c for c in inputs.columns if not pd.api.types.is_numeric_dtype(inputs[c].dtype)]


def ready(inputs: pd.DataFrame) -> pd.DataFrame:
    """Inputs as the pipeline takes them: text as objects with None where absent, numbers as float64."""
    import numpy as np
    import pandas as pd

    text = set(text_columns(inputs))
    columns: dict[str, Any] = {}
    for name in inputs.columns:
        if name in text:
            values = inputs[name].astype("object")
            columns[name] = values.where(inputs[name].notna(), None).astype("object").to_numpy()
        else:
            columns[name] = inputs[name].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.DataFrame(columns, index=inputs.index)


def predict(pipeline: Pipeline, inputs: pd.DataFrame, task: str) -> Any:
    """One prediction a row, shape (n,): the probability of the positive class, or the predicted number.

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


def in_places(probabilities: Any, present: Any, classes: int) -> Any:
    """Probabilities of k classes, shape (n, k), as of all, shape (n, K): 0 for those never trained on.

    present: shape (k,), the place of each column among the K classes, or -1 for one that is no longer a class.
    """
    import numpy as np

    placed = np.zeros((len(probabilities), classes), dtype=probabilities.dtype)
    kept = [column for column, place in enumerate(present) if place >= 0]
    placed[:, [present[column] for column in kept]] = probabilities[:, kept]
    return placed
