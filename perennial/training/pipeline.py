"""The scikit-learn pipeline: categories as ordered codes, numbers as they are, then the declared estimator."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from perennial.errors import InputError
from perennial.training.threads import bounded_threads
from perennial.usecase.declaration import Model

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

_MOST_CATEGORIES = 254  # histogram trees hold 255 bins, one of them for the rest


def build_pipeline(model: Model, inputs: pd.DataFrame) -> Pipeline:
    """An unfitted pipeline for inputs of these columns and types.

    Text columns become codes (a value never seen in training is a missing one, the rarest share a code);
    an estimator that knows categories is told which columns they are, unless `params` say otherwise.
    A column without a single value is left out: histogram trees cannot be fitted with it.
    Raises InputError for an import path or parameter that does not exist.
    """
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    filled = inputs.loc[:, inputs.notna().any()]
    text = text_columns(filled)
    numbers = [name for name in filled.columns if name not in text]
    estimator_type = _estimator_type(model.estimator)
    accepted = inspect.signature(estimator_type).parameters
    params: dict[str, Any] = dict(model.params)
    if "random_state" in accepted:
        params.setdefault("random_state", model.seed)
    if "categorical_features" in accepted and text:
        params.setdefault("categorical_features", list(range(len(text))))
    try:
        estimator = estimator_type(**params)
    except TypeError as error:
        raise InputError(f"model.params: {model.estimator} does not take them: {error}") from error
    most = min(_MOST_CATEGORIES, params.get("max_bins", 255) - 1)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        # Counting is slow, so only where there is something to group.
        max_categories=most if any(inputs[name].nunique() > most for name in text) else None,
    )
    columns = ColumnTransformer([("text", codes, text), ("numbers", "passthrough", numbers)])
    return Pipeline([("columns", columns), ("estimator", estimator)])


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
    """One prediction a row, shape (n,): the probability of the positive class, or the predicted number."""
    if not len(inputs):
        import numpy as np

        return np.empty(0)
    table = ready(inputs)
    with bounded_threads():
        return pipeline.predict_proba(table)[:, 1] if task == "binary" else pipeline.predict(table)


def _estimator_type(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"model.estimator: {path!r} cannot be imported: {error}. "
            f"Write the full import path, for example sklearn.ensemble.HistGradientBoostingClassifier"
        ) from error
