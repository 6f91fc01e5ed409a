"""Fitting a model on a snapshot's rows, with the threads of the fit bounded."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.errors import PerennialError, TerminalError
from perennial.evaluation.baseline import naive_prediction
from perennial.evaluation.metrics import load_metric
from perennial.features.recipe import recipe_of
from perennial.store.rows import LABEL
from perennial.training.artifact import Fitted, categories_seen
from perennial.training.pipeline import build_pipeline, predict, ready
from perennial.training.threads import bounded_threads
from perennial.usecase.declaration import UseCase

if TYPE_CHECKING:
    import pandas as pd

_IN_SAMPLE_ROWS = 20_000


class TrainingFailed(TerminalError):
    """The estimator could not be fitted; the failed run stays in MLflow with the reason."""


@dataclass(frozen=True)
class Fit:
    """A fitted model with what was measured while fitting.

    in_sample: the primary metric on `in_sample_rows` of the training rows, which says nothing about new ones.
    """

    fitted: Fitted
    inputs: pd.DataFrame
    seconds: float
    in_sample: float
    in_sample_rows: int


def fit(case: UseCase, rows: pd.DataFrame) -> Fit:
    """Fit the declared estimator on labelled rows.

    rows: accepted rows with `_label`.
    Raises TrainingFailed with the estimator's own words, DerivedFeatureFailed, InputError.
    """
    declaration = case.declaration
    task = declaration.schema_.task
    labels = rows[LABEL].to_numpy(dtype=np.float64)
    if task == "binary" and len(np.unique(labels)) < 2:
        raise TrainingFailed(
            f"{case.name}: all {len(labels)} labels are {labels[0]:g}; a binary model needs rows of both classes. "
            f"Ingest more batches."
        )
    recipe = recipe_of(case)
    inputs = recipe.inputs(rows)
    pipeline = build_pipeline(declaration.model, inputs, recipe.sources)
    target = labels.astype(np.int64) if task == "binary" else labels
    started = time.perf_counter()
    try:
        with bounded_threads(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline.fit(ready(inputs), target)
            seconds = time.perf_counter() - started
            some = np.linspace(0, len(labels) - 1, min(_IN_SAMPLE_ROWS, len(labels))).astype(np.int64)
            predictions = predict(pipeline, inputs.iloc[some], task)
    except PerennialError:
        raise
    except Exception as error:
        raise TrainingFailed(f"{case.name}: {declaration.model.estimator} could not be fitted: {error!r}") from error
    value, _ = load_metric(declaration.primary).value_and_influence(labels[some], predictions)
    naive = float(naive_prediction(task, declaration.primary, labels, 1)[0])
    fitted = Fitted(pipeline, recipe, task, categories_seen(inputs), naive)
    return Fit(fitted, inputs, seconds, float(value), len(some))
