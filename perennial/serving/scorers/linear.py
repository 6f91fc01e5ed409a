"""Linear and logistic regression. BLAS rounds a product otherwise in a matrix than in a row, so each row is alone."""

from __future__ import annotations

import numpy as np

from perennial.serving.scorers.encoding import Encoding, encoding_from, encoding_of
from perennial.serving.scorers.links import Link, links
from perennial.serving.scorers.scorer import Asked, Columns, Model, NotThisKind, Parts, only_step


class Linear:
    """weights: shape (k, p), in the memory order that scikit-learn multiplies with. intercept: shape (k,)."""

    def __init__(self, encoding: Encoding, weights: np.ndarray, intercept: np.ndarray, link: Link) -> None:
        self._encoding, self._weights, self._intercept, self._link = encoding, weights, intercept, link

    def score(self, columns: Columns) -> np.ndarray:
        matrix = self._encoding.matrix(columns)
        across = self._weights.T
        rows = [self._link((matrix[i : i + 1] @ across + self._intercept).reshape(1, -1)) for i in range(len(matrix))]
        return rows[0] if len(rows) == 1 else np.concatenate(rows)


class _Kind:
    asked: Asked | None = "alone"

    def parts(self, model: Model) -> Parts:
        from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
        from sklearn.pipeline import Pipeline

        steps = [step for _, step in model.pipeline.steps]
        while isinstance(steps[-1], Pipeline):  # a custom function may return a whole pipeline
            steps = [*steps[:-1], *(step for _, step in steps[-1].steps)]
        *before, estimator = steps
        if not isinstance(estimator, LinearRegression | LogisticRegression | Ridge):
            raise NotThisKind(f"the estimator is {type(estimator).__name__}")
        encoder = only_step(before)
        link = {"binary": "logit", "multiclass": "multinomial", "regression": "identity"}[model.task]
        coefficients = np.asarray(estimator.coef_, dtype=np.float64)
        return Parts(
            {
                "weights": coefficients if coefficients.ndim == 2 else coefficients.reshape(-1),
                "intercept": np.asarray(estimator.intercept_, dtype=np.float64).reshape(-1),
            },
            {"encoding": encoding_of(encoder, model).facts(), "link": link},
        )

    def scorer(self, parts: Parts) -> Linear:
        link = links()[parts.facts["link"]]
        return Linear(encoding_from(parts.facts["encoding"]), parts.arrays["weights"], parts.arrays["intercept"], link)


KIND = _Kind()
