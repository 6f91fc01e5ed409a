"""Fits a model on a snapshot's rows: first a search for parameters if declared, then one fit on all rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from perennial.features.derived import refuse_infinite
from perennial.features.recipe import recipe_of
from perennial.model.artifact import categories_seen
from perennial.store.rows import labels_of, weights_of
from perennial.store.site import Site
from perennial.store.stored_rows import StoredRows
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.training.estimator_fit import fit_pipeline
from perennial.training.fit_in_parts import fit_in_parts
from perennial.training.fit_result import Fit, as_fitted, in_sample, spread_places
from perennial.training.rows import age_weights
from perennial.training.search import search
from perennial.usecase.declaration import UseCase

if TYPE_CHECKING:
    import pandas as pd


def fit(case: UseCase, rows: pd.DataFrame | StoredRows, site: Site | None = None) -> Fit:
    """Fit the declared estimator on labelled rows; on stored ones, part by part.

    rows: accepted rows with `LABEL`, and `KNOWN_AT` if a search is declared. site: where the workers of a fit run, if
    several are declared; None for this process.
    Raises TrainingFailed with the estimator's message, TeamCodeFailed, InputError.
    """
    if isinstance(rows, StoredRows):
        return fit_in_parts(case, rows, site)
    declaration = case.declaration
    model, schema = declaration.model, declaration.schema_
    labels, weights = labels_of(rows, schema), weights_of(rows, schema)
    recipe = recipe_of(case)
    inputs = recipe.inputs(rows)
    refuse_infinite(inputs, recipe.derived)
    metric = declared_metric(declaration, metric_sources(case), declaration.primary)
    searched = search(declaration, model.search, recipe, rows, metric) if model.search else None
    if searched is not None:
        model = model.model_copy(update={"params": {**model.params, **searched.params}})
    started = time.perf_counter()
    age = age_weights(model.window, rows[schema.time])
    pipeline = fit_pipeline(case.name, model, schema.task, recipe, inputs, labels, age, weights)
    seconds = time.perf_counter() - started
    fitted = as_fitted(case, pipeline, recipe, labels, weights, categories_seen(inputs))
    some = spread_places(len(labels))
    of_some = None if weights is None else weights[some]
    value = in_sample(case, fitted, inputs.iloc[some], labels[some], of_some)
    return Fit(fitted, rows, inputs, seconds, value, len(some), searched)
