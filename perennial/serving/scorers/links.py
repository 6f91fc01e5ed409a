"""From raw scores to predictions, with the operations, and so the rounding, of scikit-learn's losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perennial.serving.scorers.scorer import NotThisKind

Link = Callable[[np.ndarray], np.ndarray]
"""From raw scores, shape (n, k), to predictions, shape (n,) or (n, k)."""


def links() -> dict[str, Link]:
    """The inverse links by name."""
    from scipy.special import expit

    return {
        "logit": lambda raw: expit(raw[:, 0]),
        "multinomial": softmax,
        "multinomial_in_order": lambda raw: softmax(raw, in_order=True),
        "identity": lambda raw: raw[:, 0],
        "log": lambda raw: np.exp(raw[:, 0]),
    }


def softmax(raw: np.ndarray, in_order: bool = False) -> np.ndarray:
    """Shape (n, k) → (n, k). Source: `sklearn.utils.extmath.softmax`, whose steps it repeats, row by row.

    in_order: add the classes up one after another, as numpy does for several rows of an array in column order. By
    default from 8 classes on they are added in pairs, as numpy does for one row.
    """
    made: np.ndarray = np.array(raw, order="C")
    made -= made.max(axis=1).reshape(-1, 1)
    np.exp(made, out=made)
    total = np.add.accumulate(made, axis=1)[:, -1] if in_order else made.sum(axis=1)
    made /= total.reshape(-1, 1)
    return made


def link_of(loss: Any) -> str:
    """The name of a fitted loss's inverse link. Raises NotThisKind for another one."""
    kind = type(loss.link).__name__
    known = {
        "LogitLink": "logit",
        "MultinomialLogit": "multinomial_in_order",
        "IdentityLink": "identity",
        "LogLink": "log",
    }
    if kind not in known:
        raise NotThisKind(f"the loss has the link {kind}")
    return known[kind]
