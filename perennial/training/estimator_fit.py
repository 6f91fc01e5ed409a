"""One pipeline fitted on inputs and labels, with its threads bounded and the estimator's own words where it fails."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.errors import InputError, PerennialError, TerminalError
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
    """The estimator could not be fitted; the failed run stays in MLflow with the reason."""

    code = "training-failed"


def fit_pipeline(
    usecase: str,
    model: Model,
    task: str,
    recipe: Recipe,
    inputs: pd.DataFrame,
    labels: np.ndarray,
    age: np.ndarray | None = None,
) -> Pipeline:
    """The fitted pipeline. inputs: of the recipe; labels: shape (n,), as `perennial.store.rows.labels_of` gives them.

    age: shape (n,), what each row counts by its age; None where all count alike.
    Raises TrainingFailed with the estimator's own words, or where it gives no probabilities of classes; InputError for
    parameters it does not take; NotTrainableYet for labels of one class.
    """
    refuse_one_class(np.unique(labels).tolist(), len(labels), task)
    target: Any = labels if task == "regression" else labels.astype(np.int64)
    if task == "multiclass":
        if isinstance(model.params.get("class_weight"), dict):
            raise InputError("model.params.class_weight: several classes are weighed by `balanced` alone; write that")
        # Estimators want classes 0, 1, 2, … without a gap: the caller knows which of the declared ones these are.
        target = np.unique(target, return_inverse=True)[1]
    from sklearn.utils.validation import has_fit_parameter

    pipeline = build_pipeline(model, inputs, recipe.sources)
    weights = sample_weights(model, target)
    if age is not None:
        if not has_fit_parameter(pipeline.steps[-1][1], "sample_weight"):
            raise InputError(f"model.window: a decay weighs rows, which {model.estimator} cannot; use last or batches")
        weights = age if weights is None else weights * age
    try:
        with bounded_threads(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline.fit(ready(inputs), target, **({} if weights is None else {"estimator__sample_weight": weights}))
    except PerennialError:
        raise
    except Exception as error:
        raise TrainingFailed(f"{usecase}: {model.estimator} could not be fitted: {error!r}") from error
    if task != "regression" and not hasattr(pipeline, "predict_proba"):
        raise TrainingFailed(
            f"{usecase}: model.estimator: {model.estimator} gives no probabilities (it has no predict_proba), which "
            f"task {task} needs. Take another one, or wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
    return pipeline
