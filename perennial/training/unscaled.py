"""Estimators that are fitted by gradient descent, and numbers whose size would keep them from learning.

Source: scikit-learn's user guide, Stochastic gradient descent, Tips on practical use: it is sensitive to scaling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from perennial.evaluation.arrays import FloatArray

BY_GRADIENT = (
    *("SGDClassifier", "SGDRegressor", "PassiveAggressiveClassifier", "PassiveAggressiveRegressor", "Perceptron"),
    *("MLPClassifier", "MLPRegressor"),
)
"""Classes of scikit-learn, of which none scales its inputs."""
LARGEST = 100.0
"""A number that is this far from 0 on average is not scaled."""


def unscaled(estimators: Iterable[str], numbers: Mapping[str, FloatArray]) -> str:
    """That one of the estimators needs scaled numbers and these are not, as a sentence; empty otherwise.

    estimators: import paths; a function of a team's file may scale, and is left to the team. numbers: feature → values,
    shape (n,), NaN if missing.

    >>> numbers = {"distance": np.array([900.0, 2400.0]), "hour": np.arange(24.0)}
    >>> unscaled(["sklearn.linear_model.SGDClassifier"], numbers).partition(": ")[2].partition(".")[0]
    'distance is 1650 on average'
    >>> unscaled(["sklearn.linear_model.Ridge"], {"distance": np.array([900.0, 2400.0])})
    ''
    """
    name = next((path for path in estimators if _by_gradient(path)), "").rpartition(".")[2]
    known = {column: of[np.isfinite(of)] for column, of in numbers.items()}
    sizes = {column: float(np.abs(of).mean()) for column, of in known.items() if of.size}
    largest = max(sizes, key=lambda column: sizes[column], default="")
    if not name or not largest or sizes[largest] < LARGEST:
        return ""
    return (
        f"{name} is fitted by gradient descent, which needs numbers of about one size: {largest} is "
        f"{sizes[largest]:.4g} on average. Divide it in a derived feature, or return a pipeline with a StandardScaler "
        "from a function of yours."
    )


def _by_gradient(path: str) -> bool:
    return path.startswith("sklearn.") and path.rpartition(".")[2] in BY_GRADIENT
