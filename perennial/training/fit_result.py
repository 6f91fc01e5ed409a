"""What a fit gives: the model, and what was measured with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.baseline import naive_prediction
from perennial.evaluation.metrics.metric import Undefined
from perennial.features.recipe import Recipe
from perennial.model.artifact import Fitted
from perennial.model.predicting import predict
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.training.search import Searched
from perennial.usecase.declaration import UseCase

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

_IN_SAMPLE_ROWS = 5_000


@dataclass(frozen=True)
class Fit:
    """A fitted model with measurements of the fit.

    rows: those it was fitted on; of a fit in parts, those on which its encoders were. inputs: of these rows.
    seconds: of the last fit, without the search. searched: None without a search.
    in_sample: the primary metric on `in_sample_rows` of the training rows, which is no estimate for new rows; None if
    it has no value there.
    """

    fitted: Fitted
    rows: pd.DataFrame
    inputs: pd.DataFrame
    seconds: float
    in_sample: float | None
    in_sample_rows: int
    searched: Searched | None


def spread_places(n: int) -> np.ndarray:
    """The positions of the training rows on which the model is measured, evenly spread over all n."""
    return np.linspace(0, n - 1, min(_IN_SAMPLE_ROWS, n)).astype(np.int64)


def as_fitted(
    case: UseCase,
    pipeline: Pipeline,
    recipe: Recipe,
    labels: np.ndarray,
    weights: np.ndarray | None,
    seen: dict[str, tuple[str, ...]],
) -> Fitted:
    """The model with the constant that it must beat. labels, weights: shape (n,), of all training rows."""
    declaration, schema = case.declaration, case.declaration.schema_
    task, classes = schema.task, schema.classes
    constant = naive_prediction(task, declaration.primary, labels, 1, len(classes), weights)[0]
    naive: float | tuple[float, ...] = float(constant) if constant.ndim == 0 else ()
    trained_on: tuple[str | int, ...] = ()
    if task == "multiclass":
        present = np.unique(labels).astype(np.int64)
        naive, trained_on = tuple(constant[present].tolist()), tuple(classes[place] for place in present)
    return Fitted(pipeline, recipe, task, seen, naive, trained_on)


def in_sample(
    case: UseCase, fitted: Fitted, inputs: pd.DataFrame, labels: np.ndarray, weights: np.ndarray | None
) -> float | None:
    """The primary metric on some training rows. inputs, labels, weights: of these rows, shape (m, …)."""
    metric = declared_metric(case.declaration, metric_sources(case), case.declaration.primary)
    classes = case.declaration.schema_.classes
    predictions = fitted.over(predict(fitted.pipeline, inputs, fitted.task), classes)
    try:
        return float(metric.measured(labels, predictions, weights)[0])
    except Undefined:
        return None
