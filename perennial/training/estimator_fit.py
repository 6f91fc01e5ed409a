"""Fits one pipeline on inputs and labels, with bounded threads; a failure carries the estimator's message."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.errors import InputError, PerennialError, TerminalError
from perennial.evaluation.weights import relative
from perennial.features.recipe import Recipe
from perennial.model.predicting import ready
from perennial.model.threads import bounded_threads
from perennial.training.estimators import sample_weights
from perennial.training.pipeline import build_pipeline
from perennial.training.readiness import refuse_one_class
from perennial.usecase.declared_model import Model

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


class TrainingFailed(TerminalError):
    """The estimator could not be fitted; MLflow keeps the failed run with the reason."""

    code = "training-failed"


def fit_pipeline(
    usecase: str,
    model: Model,
    task: str,
    recipe: Recipe,
    inputs: pd.DataFrame,
    labels: np.ndarray,
    age: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Pipeline:
    """The fitted pipeline. inputs: of the recipe; labels: shape (n,), from `perennial.store.rows.labels_of`.

    age: shape (n,), each row's weight by its age; None if all weigh the same. weights: shape (n,), of
    `perennial.store.rows.weights_of`; only their ratios count: they are divided by their mean, so that an estimator's
    regularisation means the same as without them, and multiplied with `age`.
    Raises TrainingFailed with the estimator's message, or if it gives no class probabilities; InputError for unknown
    parameters; NotTrainableYet for labels of one class.
    """
    from sklearn.utils.validation import has_fit_parameter

    target = target_of(labels, task, model)
    pipeline = build_pipeline(model, inputs, recipe.sources)
    takes_weights = has_fit_parameter(pipeline.steps[-1][1], "sample_weight")
    refuse_weights(model, age, weights, takes_weights=takes_weights)
    given = row_weights(model, target, age, weights)
    with failures_of(usecase, model):
        pipeline.fit(ready(inputs), target, **({} if given is None else {"estimator__sample_weight": given}))
    refuse_without_probabilities(usecase, model, task, pipeline)
    return pipeline


def target_of(labels: np.ndarray, task: str, model: Model) -> Any:
    """The labels as estimators expect them, shape (n,): classes are 0, 1, 2, … without gaps.

    The caller maps them to the declared ones. Raises NotTrainableYet for labels of one class, InputError.
    """
    if task == "regression":
        return labels
    refuse_one_class(np.unique(labels).tolist(), len(labels), task)
    if task == "binary":
        return labels.astype(np.int64)
    if isinstance(model.params.get("class_weight"), dict):
        raise InputError("model.params.class_weight: with several classes, only `balanced` is supported")
    return np.unique(labels.astype(np.int64), return_inverse=True)[1]


def refuse_weights(model: Model, age: np.ndarray | None, weights: np.ndarray | None, *, takes_weights: bool) -> None:
    """Raises InputError if rows are weighted and the estimator does not take their weights."""
    if age is not None and not takes_weights:
        raise InputError(
            f"model.window: a decay needs sample weights, which {model.estimator} does not support; use last or batches"
        )
    if weights is not None and not takes_weights:
        raise InputError(
            f"model.estimator: {model.estimator} does not support sample weights, which schema.weight needs; use "
            "another estimator, or remove schema.weight",
            field="model.estimator",
            value=model.estimator,
            fix="use an estimator whose fit takes sample_weight, or remove schema.weight",
        )


def row_weights(model: Model, target: Any, age: np.ndarray | None, weights: np.ndarray | None) -> np.ndarray | None:
    """The product of all weights of each row, shape (n,); None if all rows weigh the same."""
    given = [each for each in (sample_weights(model, target), relative(weights), age) if each is not None]
    return prod(given) if given else None  # type: ignore[return-value]


@contextmanager
def failures_of(usecase: str, model: Model) -> Iterator[None]:
    """Fits with bounded threads and without warnings. Raises TrainingFailed with the estimator's message."""
    try:
        with bounded_threads(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PerennialError:
        raise
    except Exception as error:
        raise TrainingFailed(f"{usecase}: {model.estimator} could not be fitted: {error!r}") from error


def refuse_without_probabilities(usecase: str, model: Model, task: str, pipeline: Pipeline) -> None:
    """Raises TrainingFailed for a classifier that gives no class probabilities."""
    if task != "regression" and not hasattr(pipeline, "predict_proba"):
        raise TrainingFailed(
            f"{usecase}: {model.estimator} has no predict_proba, but task {task} needs "
            f"probabilities. Use another estimator, or wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
