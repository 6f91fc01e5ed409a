"""scikit-learn's HistGradientBoosting: treelite finds the leaves, which are added up in scikit-learn's order.

treelite's own sum has another order, which gives other bits in half of the rows.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from perennial.serving.scorers.encoding import Encoding, encoding_from, encoding_of
from perennial.serving.scorers.links import link_of, links
from perennial.serving.scorers.scorer import Asked, Columns, Model, NotThisKind, Parts, only_step


class HistGradientBoosting:
    """trees: a treelite model. baseline: shape (k,), what each sum of leaves begins with."""

    def __init__(self, encoding: Encoding, trees: Any, baseline: np.ndarray, link: str) -> None:
        from treelite.gtil.gtil import GTILConfig, _predict_impl

        self._encoding, self._trees, self._baseline, self._link = encoding, trees, baseline, links()[link]
        # Making one takes twice as long as scoring a row.
        self._config = GTILConfig(nthread=1, predict_type="score_per_tree")
        self._leaves = _predict_impl

    def score(self, columns: Columns) -> np.ndarray:
        matrix = self._encoding.matrix(columns)
        leaves = self._leaves(self._trees, matrix, config=self._config)
        n, k = len(matrix), len(self._baseline)
        trees = leaves.shape[1] // k
        summed = np.empty((n, trees + 1, k))
        summed[:, 0] = self._baseline
        summed[:, 1:] = leaves.reshape(n, trees, k)
        # Left to right, as scikit-learn adds one tree after another; `sum` would add in pairs.
        raw = np.add.accumulate(summed, axis=1)[:, -1]
        return self._link(raw)


class _Kind:
    asked: Asked | None = None

    def parts(self, model: Model) -> Parts:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        *before, estimator = [step for _, step in model.pipeline.steps]
        if not isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
            raise NotThisKind(f"the estimator is {type(estimator).__name__}")
        encoder = only_step(before)
        from treelite import TreeliteError
        from treelite.sklearn import import_model

        encoding = encoding_of(encoder, model)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # it casts the code of a missing category
                trees = import_model(estimator)
        except (TreeliteError, AssertionError, NotImplementedError) as error:
            raise NotThisKind(f"treelite cannot read the trees: {error}") from error
        return Parts(
            {
                "trees": np.frombuffer(trees.serialize_bytes(), dtype=np.uint8),
                "baseline": np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1),
            },
            {"encoding": encoding.facts(), "link": link_of(estimator._loss)},
        )

    def scorer(self, parts: Parts) -> HistGradientBoosting:
        import treelite

        return HistGradientBoosting(
            encoding_from(parts.facts["encoding"]),
            treelite.Model.deserialize_bytes(parts.arrays["trees"].tobytes()),
            parts.arrays["baseline"],
            parts.facts["link"],
        )


KIND = _Kind()
