"""The declared estimator, from its import path or a custom function, with seed, threads and categories set."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from perennial.errors import InputError
from perennial.registered import ESTIMATORS
from perennial.settings import allowed_threads
from perennial.team_code.loading import call, load_function
from perennial.usecase.declared_model import Model
from perennial.usecase.importable import EXTRAS, is_own
from perennial.usecase.mistakes import closest

if TYPE_CHECKING:
    import pandas as pd

MONOTONE = frozenset({"monotonic_cst", "monotone_constraints"})


def estimator_type(path: str) -> Any:
    """The class for an import path, or for a name that a package registers.

    Raises InputError, which names the extra if one is missing.
    """
    if "." not in path and ESTIMATORS.has(path):
        return ESTIMATORS.load(path)
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        package = path.partition(".")[0]
        fix = (
            f"Install it: pip install 'perennial[{package}]'"
            if package in EXTRAS and isinstance(error, ModuleNotFoundError)
            else "Write the full import path, for example sklearn.ensemble.HistGradientBoostingClassifier"
        )
        raise InputError(f"model.estimator: {path!r} cannot be imported: {error}. {fix}") from error


def made_by_team(model: Model, sources: Mapping[str, str]) -> Any:
    """The estimator, or Pipeline, that a custom function returns when called with `params`.

    sources: file name → source text. `seed` is passed too, if the function has such a parameter.
    Raises InputError if it does not accept the parameters or does not return an estimator, TeamCodeFailed if its file
    does not run.
    """
    function = load_function(model.estimator, sources, "model.estimator")
    params = dict(model.params)
    if "seed" in inspect.signature(function).parameters:
        params.setdefault("seed", model.seed)
    try:
        inspect.signature(function).bind(**params)
    except TypeError as error:
        raise InputError(f"model.params: {model.estimator} does not accept them: {error}") from error
    made = call(f"model.estimator: {model.estimator}", function, **params)
    if isinstance(made, type) or not (hasattr(made, "fit") and hasattr(made, "predict")):
        given = f"the class {made.__name__}" if isinstance(made, type) else type(made).__name__
        raise InputError(f"model.estimator: {model.estimator} must return an estimator, not {given}")
    return made


def default_params(model: Model, kind: type) -> dict[str, Any]:
    """`params`, with the seed and, for packages that would use all cores, the limit of `PERENNIAL_THREADS`."""
    params = {name: value for name, value in model.params.items() if name != "class_weight" or takes(kind, name)}
    if takes(kind, "random_state"):
        params.setdefault("random_state", model.seed)
    package = _package(kind)
    if package in EXTRAS:
        params.setdefault("n_jobs", allowed_threads())
    if package == "lightgbm":
        params.setdefault("verbosity", -1)
        params.setdefault("deterministic", True)  # otherwise sums depend on the threads in their last bits
    return params


def instance(model: Model, kind: type, params: Mapping[str, Any]) -> Any:
    """The estimator with these parameters. Raises InputError for an unknown one."""
    unknown = sorted(name for name in params if not _known(kind, name))
    if unknown:
        near = closest(unknown[0], kind().get_params())
        hint = f"; did you mean {near!r}?" if near else ""
        raise InputError(f"model.params: {model.estimator} has no parameter {', '.join(unknown)}{hint}")
    try:
        return kind(**params)
    except TypeError as error:
        raise InputError(f"model.params: {model.estimator} does not accept them: {error}") from error


def _known(kind: type, name: str) -> bool:
    """Whether a parameter is known. XGBoost and LightGBM silently ignore unknown keywords, so theirs are looked up."""
    return _package(kind) not in EXTRAS or takes(kind, name) or name in _names(kind)


def _names(kind: type) -> set[str]:
    names: set[str] = set(kind().get_params())
    if _package(kind) == "lightgbm":
        from lightgbm.basic import _ConfigAliases

        for name, others in _ConfigAliases._get_all_param_aliases().items():
            names |= {name, *others}
    return names


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def takes(kind: type, name: str) -> bool:
    """Whether an estimator's constructor, or one that it passes keywords on to, has a parameter with that name."""
    return any(
        name in inspect.signature(vars(each)["__init__"]).parameters
        for each in kind.__mro__
        if inspect.isfunction(vars(each).get("__init__"))
    )


def category_handling(model: Model, kind: type) -> str:
    """`native`, `onehot` or `ordinal`: as declared, otherwise native if the estimator supports categories.

    Raises InputError if native is declared for one that does not.
    """
    knows = takes(kind, "categorical_features") or _package(kind) in EXTRAS
    if model.categories == "native" and not knows:
        raise InputError(
            f"model.categories: {model.estimator} has no native support for categories; write onehot or ordinal"
        )
    return model.categories or ("native" if knows else "ordinal")


def native_categories(kind: type, text: int, numbers: int) -> dict[str, Any]:
    """The parameters that declare an estimator's first `text` columns to be codes of categories."""
    package = _package(kind)
    if package == "xgboost":
        return {"enable_categorical": True, "feature_types": ["c"] * text + ["q"] * numbers}
    if package == "lightgbm":
        # LightGBM refuses the usual name of the parameter here, because it is also an argument of `fit`.
        return {"categorical_column": list(range(text))}
    return {"categorical_features": list(range(text))}


def sample_weights(model: Model, target: Any) -> Any:
    """A weight per row, shape (n,), for an estimator without a `class_weight` parameter; otherwise None.

    Source: scikit-learn's `compute_sample_weight`.
    """
    from sklearn.utils.class_weight import compute_sample_weight

    if "class_weight" not in model.params or is_own(model.estimator):
        return None
    kind = estimator_type(model.estimator)
    if takes(kind, "class_weight"):
        return None
    if "sample_weight" not in inspect.signature(kind.fit).parameters:
        raise InputError(
            f"model.params: {model.estimator} supports neither class_weight nor sample weights; remove class_weight"
        )
    return compute_sample_weight(model.params["class_weight"], target)


def by_position(
    param: str, constraint: Mapping[str, int], inputs: pd.DataFrame, numbers: list[str], outputs: list[str]
) -> tuple[int, ...]:
    """A monotone constraint by feature name as the sequence that estimators expect, one per column of `outputs`.

    numbers: names of the number columns that are fitted. outputs: of the ColumnTransformer.
    Raises InputError for a name that is not a feature, or for a category, which has no order.
    """
    for name, value in constraint.items():
        if name not in inputs.columns:
            raise InputError(f"model.params.{param}: no feature {name!r}; features: {', '.join(inputs.columns)}")
        if name in set(inputs.columns) - set(numbers) and inputs[name].notna().any():
            raise InputError(f"model.params.{param}: {name!r} holds categories, which have no order; remove it")
        if value not in (-1, 0, 1):
            raise InputError(f"model.params.{param}: {name!r} is {value!r}; write 1 (rising), -1 (falling) or 0")
    return tuple(
        int(constraint.get(name.removeprefix("numbers__"), 0)) if name.startswith("numbers__") else 0
        for name in outputs
    )
