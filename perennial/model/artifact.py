"""A model on disk: skops file, recipe, categories seen, golden predictions; loaded only if it is trusted.

skops is used instead of pickle, and our allow-list instead of the one in the file (see GHSA-w582-9x45-8mpx). The digest
is checked before a byte is interpreted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.errors import ModelUnloadable
from perennial.features.recipe import Recipe
from perennial.features.row_wise import RowWise
from perennial.identity import digest, digest_bytes, digest_folder
from perennial.model.environment import libraries
from perennial.model.golden import agree, as_inputs, gap, made_up_rows
from perennial.model.predicting import in_places, predict, text_columns
from perennial.registered import ESTIMATORS

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


# A Booster's state is LightGBM's model text or XGBoost's model bytes, read by their parsers. Neither contains code to
# run, and the digest shows that the bytes are those we wrote.
TRUSTED_TYPES = (
    "collections.OrderedDict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)


def trusted_types() -> tuple[str, ...]:
    """Types that a model file may hold: those above, and the estimators that installed packages register."""
    return (*TRUSTED_TYPES, *(place.replace(":", ".") for place in ESTIMATORS.installed_places()))


PIPELINE_FILE = "model.skops"


EXTRAS = "extra_files"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model in memory: the fitted pipeline, the recipe of its input, and the categories it was trained on.

    naive: the best constant of its training labels, or the share of each of `classes` if classes are predicted.
    classes: those it was trained on, in the order of the pipeline's probabilities; empty for other tasks.
    row_wise: whether its custom derived features depend on one row only; None without any, or if it is not known.
    """

    pipeline: Pipeline
    recipe: Recipe
    task: str
    seen: dict[str, tuple[str, ...]]
    naive: float | tuple[float, ...]
    classes: tuple[str | int, ...] = ()
    row_wise: RowWise | None = None

    def predict(self, rows: pd.DataFrame) -> Any:
        """One prediction for each accepted row, shape (n,): see `perennial.training.pipeline.predict`."""
        return predict(self.pipeline, self.recipe.inputs(rows), self.task)

    def naive_predictions(self, n: int) -> Any:
        """The constant n times, in the shape that `predict` returns for n rows."""
        return np.full(n, self.naive) if isinstance(self.naive, float) else np.tile(self.naive, (n, 1))

    def over(self, predictions: Any, classes: tuple[str | int, ...]) -> Any:
        """Predictions of this model over the declared classes, shape (n, K): 0 for a class that it never saw."""
        if self.task != "multiclass":
            return predictions
        present = [classes.index(each) if each in classes else -1 for each in self.classes]
        return in_places(predictions, present, len(classes))


def categories_seen(inputs: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Text column → its distinct values, sorted, without null."""
    return {name: tuple(sorted(str(v) for v in inputs[name].dropna().unique())) for name in text_columns(inputs)}


def write_extras(folder: Path, fitted: Fitted, inputs: pd.DataFrame) -> list[Path]:
    """Write the files that accompany the pipeline below `folder` and return them.

    inputs: the training inputs. No row is stored; of text columns, the distinct values are.
    """
    golden = made_up_rows(inputs, fitted.seen)
    golden["predictions"] = predict(fitted.pipeline, as_inputs(golden), fitted.task).tolist()
    model = {
        "task": fitted.task,
        "seen": fitted.seen,
        "naive": fitted.naive,
        "classes": fitted.classes,
        "libraries": libraries(),
        "golden": golden,
        **({} if fitted.row_wise is None else {"row_wise": fitted.row_wise.model_dump(mode="json")}),
    }
    texts = {
        "recipe.json": fitted.recipe.model_dump_json(indent=1),
        "model.json": json.dumps(model, indent=1),
        **fitted.recipe.sources,
    }
    written = []
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)  # of `lib/shop.py`
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def digest_model(folder: Path) -> str:
    """sha256 over the files that determine predictions: the pipeline and the files that accompany it."""
    pipeline = folder / PIPELINE_FILE
    if not pipeline.exists():
        raise ModelUnloadable(f"the model folder has no {PIPELINE_FILE}")
    return digest({"pipeline": digest_bytes(pipeline.read_bytes()), "extras": digest_folder(folder / EXTRAS)})


def golden_rows(folder: Path) -> dict[str, Any]:
    """The golden rows in a model's folder, as `made_up_rows` makes them, with the `predictions` of its training."""
    golden: dict[str, Any] = json.loads((folder / EXTRAS / "model.json").read_text(encoding="utf-8"))["golden"]
    return golden


def load(folder: Path, registered: str) -> Fitted:
    """The model in a folder, if its bytes are those that were registered.

    The bytes are checked at every call; a model that this process has already loaded from the same bytes is reused.
    Raises ModelUnloadable if bytes are changed or missing, if a type is not trusted, or if the golden predictions
    differ here (with the libraries that changed).
    """
    actual = digest_model(folder)
    if actual != registered:
        raise ModelUnloadable(
            f"model bytes changed: registered {registered[:16]}, found {actual[:16]}; restore them from a backup"
        )
    if actual not in _LOADED:
        size = (folder / PIPELINE_FILE).stat().st_size
        while len(_LOADED) >= _KEPT and sum(each.size for each in list(_LOADED.values())) + size > _KEPT_BYTES:
            del _LOADED[next(iter(_LOADED))]
        _LOADED[actual] = _Loaded(_read(folder), size)
    return _LOADED[actual].model


@dataclass(frozen=True)
class _Loaded:
    """A model in memory. size: of its file in bytes."""

    model: Fitted
    size: int


_KEPT, _KEPT_BYTES = 4, 32 * 2**20
"""So many models are kept whatever their size, and more while all their files together have at most so many bytes."""

_LOADED: dict[str, _Loaded] = {}


def _read(folder: Path) -> Fitted:
    import skops.io
    import skops.io.exceptions

    try:
        pipeline = skops.io.load(folder / PIPELINE_FILE, trusted=list(trusted_types()))
    except skops.io.exceptions.UntrustedTypesFoundException as error:
        untrusted = set(skops.io.get_untrusted_types(file=folder / PIPELINE_FILE)) - set(trusted_types())
        raise ModelUnloadable(
            f"the model holds types outside the allow-list: {', '.join(sorted(untrusted))}"
        ) from error
    except ModuleNotFoundError as error:
        raise ModelUnloadable(
            f"the model needs the package {error.name!r}, which is not installed here; "
            f"pip install 'perennial[{error.name}]'"
        ) from error
    model = json.loads((folder / EXTRAS / "model.json").read_text(encoding="utf-8"))
    recipe = Recipe.model_validate_json((folder / EXTRAS / "recipe.json").read_text(encoding="utf-8"))
    naive = model["naive"]
    fitted = Fitted(
        pipeline,
        recipe,
        model["task"],
        {name: tuple(values) for name, values in model["seen"].items()},
        tuple(naive) if isinstance(naive, list) else naive,
        tuple(model["classes"]),
        RowWise.model_validate(model["row_wise"]) if "row_wise" in model else None,
    )
    _check_golden(fitted, model)
    return fitted


def _check_golden(fitted: Fitted, model: dict[str, Any]) -> None:
    expected = model["golden"]["predictions"]
    actual = predict(fitted.pipeline, as_inputs(model["golden"]), fitted.task)
    if not agree(actual, expected):
        here = libraries()
        changed = [f"{n} {v} → {here.get(n, 'absent')}" for n, v in model["libraries"].items() if here.get(n) != v]
        raise ModelUnloadable(
            f"the model's golden predictions differ by {gap(actual, expected):.3g} here; "
            f"changed libraries: {', '.join(changed) or 'none'}"
        )
