"""Fits a model on a snapshot's rows: first a search for parameters if declared, then one fit on all rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.baseline import naive_prediction
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.features.derived import refuse_infinite
from perennial.features.recipe import recipe_of
from perennial.model.artifact import Fitted, categories_seen
from perennial.model.predicting import in_places, predict
from perennial.store.rows import labels_of, weights_of
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.training.estimator_fit import fit_pipeline
from perennial.training.rows import age_weights
from perennial.training.search import Searched, search
from perennial.usecase.declaration import UseCase

if TYPE_CHECKING:
    import pandas as pd

_IN_SAMPLE_ROWS = 5_000


@dataclass(frozen=True)
class Fit:
    """A fitted model with measurements of the fit.

    seconds: of the last fit, without the search. searched: None without a search.
    in_sample: the primary metric on `in_sample_rows` of the training rows, which is no estimate for new rows; None if
    it has no value there.
    """

    fitted: Fitted
    inputs: pd.DataFrame
    seconds: float
    in_sample: float | None
    in_sample_rows: int
    searched: Searched | None


def fit(case: UseCase, rows: pd.DataFrame) -> Fit:
    """Fit the declared estimator on labelled rows.

    rows: accepted rows with `LABEL`, and `KNOWN_AT` if a search is declared.
    Raises TrainingFailed with the estimator's message, TeamCodeFailed, InputError.
    """
    declaration = case.declaration
    model, schema = declaration.model, declaration.schema_
    task, classes = schema.task, schema.classes
    labels, weights = labels_of(rows, schema), weights_of(rows, schema)
    recipe = recipe_of(case)
    metric = declared_metric(declaration, metric_sources(case), declaration.primary)
    inputs = recipe.inputs(rows)
    refuse_infinite(inputs, recipe.derived)
    searched = search(declaration, model.search, recipe, rows, metric) if model.search else None
    if searched is not None:
        model = model.model_copy(update={"params": {**model.params, **searched.params}})
    started = time.perf_counter()
    age = age_weights(model.window, rows[schema.time])
    pipeline = fit_pipeline(case.name, model, task, recipe, inputs, labels, age, weights)
    seconds = time.perf_counter() - started
    some = np.linspace(0, len(labels) - 1, min(_IN_SAMPLE_ROWS, len(labels))).astype(np.int64)
    predictions = predict(pipeline, inputs.iloc[some], task)
    constant = naive_prediction(task, declaration.primary, labels, 1, len(classes), weights)[0]
    naive: float | tuple[float, ...] = float(constant) if constant.ndim == 0 else ()
    trained_on: tuple[str | int, ...] = ()
    if task == "multiclass":
        present = np.unique(labels).astype(np.int64)
        predictions = in_places(predictions, present, len(classes))
        naive, trained_on = tuple(constant[present].tolist()), tuple(classes[place] for place in present)
    fitted = Fitted(pipeline, recipe, task, categories_seen(inputs), naive, trained_on)
    of_some = None if weights is None else weights[some]
    return Fit(fitted, inputs, seconds, _in_sample(metric, labels[some], predictions, of_some), len(some), searched)


def _in_sample(metric: Metric, labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None) -> float | None:
    try:
        return float(metric.measured(labels, predictions, weights)[0])
    except Undefined:
        return None
