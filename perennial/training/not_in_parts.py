"""What needs all rows at once, and cannot be fitted in parts: some estimators, derived features and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perennial.errors import InputError
from perennial.features.recipe import Recipe
from perennial.features.row_wise import row_wise
from perennial.team_code.loading import TeamCodeFailed
from perennial.training.learners import halves, is_xgboost
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_model import Model
from perennial.usecase.windows import is_by_row, read_window, window_in_words

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


def refuse_not_in_parts(case: UseCase, pipeline: Pipeline, recipe: Recipe, rows: pd.DataFrame) -> None:
    """Raises InputError or TeamCodeFailed if any of these needs all rows, and the declaration has `model.parts`."""
    model = case.declaration.model
    if model.parts is not None:
        refuse_whole_window(model)
        refuse_whole_only(model, halves(pipeline)[1])
        refuse_unless_row_wise(case, recipe, rows)


def refuse_unless_row_wise(case: UseCase, recipe: Recipe, rows: pd.DataFrame) -> None:
    """Raises TeamCodeFailed for a derived feature that depends on other rows, which differ from part to part."""
    known = row_wise(recipe, rows, column_types(case.declaration))
    if known is not None and known.reason is not None:
        raise TeamCodeFailed(f"{known.reason}, so it cannot be computed part by part; change it, or remove model.parts")


def refuse_whole_window(model: Model) -> None:
    """Raises InputError for a window of a package that looks at all rows at once."""
    window = read_window(model.window)
    if window is not None and not is_by_row(window):
        words = window_in_words(model.window)
        raise InputError(
            f"model.window: {words} looks at all rows at once, which model.parts avoids; use another window, or remove "
            "parts",
            field="model.window",
            value=words,
            fix="use another window, or remove parts",
        )


def refuse_whole_only(model: Model, estimator: Any) -> None:
    """Raises InputError for an estimator that needs all rows at once, or in one process if several are declared."""
    if is_xgboost(estimator):
        _refuse_params(estimator)
    elif model.parts is not None and model.parts.workers > 1:
        raise InputError(
            f"model.parts.workers: {model.estimator} ends in {type(estimator).__name__}, and only XGBoost is fitted "
            "by several workers; use an estimator of XGBoost, or remove workers",
            field="model.parts.workers",
            value=model.parts.workers,
            fix="use an estimator of XGBoost, or remove workers",
        )
    elif not hasattr(estimator, "partial_fit"):
        raise InputError(
            f"model.parts: {model.estimator} ends in {type(estimator).__name__}, which has no partial_fit, so it needs "
            "all rows in memory; use another estimator, or remove parts",
            field="model.parts",
            value=type(estimator).__name__,
            fix="use an estimator with partial_fit or of XGBoost, or remove parts",
        )


_ALLOWED: dict[str, tuple[str, ...]] = {
    "tree_method": ("auto", "hist"),
    "booster": ("gbtree",),
    "feature_weights": (),
    "callbacks": (),
    "early_stopping_rounds": (),
}


def _refuse_params(estimator: Any) -> None:
    """Raises InputError for parameters of XGBoost that need something else than trees on histograms of the rows."""
    given = estimator.get_params()
    for name, allowed in _ALLOWED.items():
        if given.get(name) is not None and given[name] not in allowed:
            raise InputError(
                f"model.params.{name}: {given[name]!r} cannot be combined with model.parts; remove it",
                field=f"model.params.{name}",
                value=given[name],
                fix="remove it",
            )
    if callable(given["objective"]):
        raise InputError("model.estimator: with model.parts, the objective of XGBoost must be a name, not a function")
