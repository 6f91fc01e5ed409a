"""Estimators that learn part by part: those with `partial_fit`, and XGBoost from its external memory."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.store.scratch import scratch_folder

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def halves(pipeline: Pipeline) -> tuple[list[Any], Any]:
    """The steps before the estimator, and the estimator, which may be the last step of a pipeline in the pipeline."""
    from sklearn.pipeline import Pipeline

    *before, last = [step for _, step in pipeline.steps if step not in (None, "passthrough")]
    if isinstance(last, Pipeline):
        more, last = halves(last)
        return [*before, *more], last
    return before, last


def is_xgboost(estimator: Any) -> bool:
    """Whether it is an estimator of XGBoost that boosts trees on histograms."""
    return type(estimator).__module__ == "xgboost.sklearn"


def takes_weights(estimator: Any) -> bool:
    """Whether rows can be weighted. estimator: one that learns part by part."""
    return is_xgboost(estimator) or "sample_weight" in inspect.signature(estimator.partial_fit).parameters


@dataclass(frozen=True)
class Columns:
    """What the columns of a part are: inputs, then the label, then the weight if rows are weighted.

    classes: of a classifier, all of them, 0, 1, 2, …; None for a regression.
    """

    classes: np.ndarray | None
    weighted: bool

    def inputs(self, part: np.ndarray) -> np.ndarray:
        """Shape (n, inputs)."""
        return part[:, : -2 if self.weighted else -1]

    def label(self, part: np.ndarray) -> np.ndarray:
        """Shape (n,)."""
        label = part[:, -2 if self.weighted else -1]
        return label if self.classes is None else label.astype(np.int64)

    def weight(self, part: np.ndarray, called: str) -> dict[str, np.ndarray]:
        """The weights under that name, shape (n,); nothing if all rows weigh the same."""
        return {called: part[:, -1]} if self.weighted else {}


def learn_part(estimator: Any, part: np.ndarray, columns: Columns) -> None:
    """Call `partial_fit` with a part of the rows, shape (n, columns)."""
    classes = {} if columns.classes is None else {"classes": columns.classes}
    weights = columns.weight(part, "sample_weight")
    estimator.partial_fit(columns.inputs(part), columns.label(part), **classes, **weights)


def boost(estimator: Any, parts: Callable[[], Iterator[np.ndarray]], columns: Columns, folder: Path) -> bytearray:
    """The trees of `XGBModel.fit`, with the binned rows on disk, in a folder of which nothing is left.

    parts: all rows, a part of them in memory at a time. Where calls are joined, the rows of this one.
    Source: XGBoost's documentation, Using XGBoost External Memory Version.
    """
    import xgboost

    params: dict[str, Any] = estimator.get_xgb_params()
    if columns.classes is not None and columns.classes.size > 2:
        params |= {"objective": "multi:softprob", "num_class": columns.classes.size}

    class Rows(xgboost.DataIter):
        def __init__(self, cache: str) -> None:
            self.left: Iterator[np.ndarray] = iter(())
            super().__init__(cache_prefix=cache, on_host=False)

        def reset(self) -> None:
            self.left = parts()

        def next(self, input_data: Any) -> bool:
            part = next(self.left, None)
            if part is None:
                return False
            known = columns.weight(part, "weight") | {"feature_types": estimator.feature_types}
            input_data(data=columns.inputs(part), label=columns.label(part), **known)
            return True

    with scratch_folder(folder) as cache:
        matrix = xgboost.ExtMemQuantileDMatrix(
            Rows(str(cache / "bins")),
            enable_categorical=bool(estimator.enable_categorical),
            max_bin=estimator.max_bin,
            missing=estimator.missing,
            nthread=estimator.n_jobs,
        )
        booster = xgboost.train(params, matrix, estimator.get_num_boosting_rounds())
        trees: bytearray = booster.save_raw("ubj")
        del matrix, booster  # XGBoost removes its files with them
    return trees
