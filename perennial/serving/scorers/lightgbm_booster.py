"""LightGBM: its Booster, asked directly with one thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from perennial.serving.scorers.encoding import Encoding, encoding_from, encoding_of
from perennial.serving.scorers.scorer import Asked, Columns, Model, NotThisKind, Parts, only_step


class LightGBM:
    """booster: a lightgbm.Booster. It returns probabilities or numbers itself."""

    def __init__(self, encoding: Encoding, booster: Any) -> None:
        self._encoding, self._booster = encoding, booster

    def score(self, columns: Columns) -> np.ndarray:
        made: np.ndarray = self._booster.predict(self._encoding.matrix(columns), num_threads=1)
        return made


class _Kind:
    asked: Asked | None = None

    def parts(self, model: Model) -> Parts:
        *before, estimator = [step for _, step in model.pipeline.steps]
        if type(estimator).__module__ != "lightgbm.sklearn":
            raise NotThisKind(f"the estimator is {type(estimator).__name__}")
        encoder = only_step(before)
        if callable(estimator.objective_):
            raise NotThisKind("the estimator has a custom objective")
        text = estimator.booster_.model_to_string(num_iteration=estimator.best_iteration_ or None)
        return Parts(
            {"booster": np.frombuffer(text.encode(), dtype=np.uint8)},
            {"encoding": encoding_of(encoder, model).facts()},
        )

    def scorer(self, parts: Parts) -> LightGBM:
        import lightgbm

        text = parts.arrays["booster"].tobytes().decode()
        return LightGBM(encoding_from(parts.facts["encoding"]), lightgbm.Booster(model_str=text))


KIND = _Kind()
