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
from perennial.usecase.declared_model import Model
from perennial.usecase.importable import is_own

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

from perennial.model.predicting import ready, text_columns

_MOST_CATEGORIES = 254  # histogram trees hold 255 bins, one of them for the rest


def build_pipeline(model: Model, inputs: pd.DataFrame, sources: Mapping[str, str] | None = None) -> Pipeline:
    """An unfitted pipeline for inputs of these columns and types.

    Text columns become codes or indicators according to `model.categories`; a value never seen in training counts as
    missing, and the rarest values share a code. An estimator with native categories gets the names of these columns,
    unless `params` set them. A column without any value is left out, because histogram trees cannot be fitted with it.
    A custom function (`file.py:function`, in `sources`) gets the columns unchanged, by name.
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
    # Grouping rare values is slow, so it is only enabled if there are any.
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
