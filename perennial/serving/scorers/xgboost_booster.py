"""XGBoost: its Booster, asked in place. Predictions are float32, as XGBoost's own are."""

from __future__ import annotations

from typing import Any

import numpy as np

from perennial.serving.scorers.encoding import Encoding, encoding_from, encoding_of
from perennial.serving.scorers.scorer import Asked, Columns, Model, NotThisKind, Parts, only_step


class XGBoost:
    """booster: an xgboost.Booster. iterations: the first tree and the one after the last; (0, 0) for all."""

    def __init__(self, encoding: Encoding, booster: Any, iterations: tuple[int, int]) -> None:
        self._encoding, self._booster, self._iterations = encoding, booster, iterations

    def score(self, columns: Columns) -> np.ndarray:
        made: np.ndarray = self._booster.inplace_predict(
            self._encoding.matrix(columns), iteration_range=self._iterations, validate_features=False
        )
        return made


class _Kind:
    asked: Asked | None = None

    def parts(self, model: Model) -> Parts:
        *before, estimator = [step for _, step in model.pipeline.steps]
        if type(estimator).__module__ != "xgboost.sklearn":
            raise NotThisKind(f"the estimator is {type(estimator).__name__}")
        encoder = only_step(before)
        if estimator.get_params()["booster"] == "gblinear" or not _is_nan(estimator.missing):
            raise NotThisKind("the booster is linear, or missing values are written otherwise than NaN")
        if estimator.objective == "multi:softmax" or callable(estimator.objective):
            raise NotThisKind(f"the objective is {estimator.objective}")
        raw = estimator.get_booster().save_raw(raw_format="ubj")
        return Parts(
            {"booster": np.frombuffer(bytes(raw), dtype=np.uint8)},
            {
                "encoding": encoding_of(encoder, model).facts(),
                "iterations": list(estimator._get_iteration_range(None)),
            },
        )

    def scorer(self, parts: Parts) -> XGBoost:
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(parts.arrays["booster"].tobytes()))
        booster.set_param({"nthread": 1})
        first, end = parts.facts["iterations"]
        return XGBoost(encoding_from(parts.facts["encoding"]), booster, (first, end))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


KIND = _Kind()
