"""What a scorer is: a model's predictions from plain columns, bit for bit those of its pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Columns = Mapping[str, Sequence[Any]]
"""A model's input by name, n values each. A number is a float, an int or a bool, a text a str or a bool; None or NaN if
it is missing. Text columns never seen in training hold whatever text they hold."""


Asked = Literal["together", "beside", "alone"]
"""How a pipeline is asked. `together`: any rows at once, one or many. `beside`: the same, but a single row gets a copy
of itself beside it. `alone`: each row by itself, because rows asked together change each other's last bits."""


class Scorer(Protocol):
    """Predicts like the pipeline that it was made from, to the last bit, however many rows it is given at once."""

    def score(self, columns: Columns) -> np.ndarray:
        """One prediction per row, shape (n,), n ≥ 1: the probability of the positive class, or the predicted number.

        `multiclass`: shape (n, k), the probability of each class that was trained on.
        """
        ...


@dataclass(frozen=True, eq=False)
class Parts:
    """What a scorer is made from, as it is stored: arrays (npz, none of objects) and facts (JSON)."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A fitted pipeline as a kind of scorer sees it.

    names: of the input's columns, in order. text: those that hold text. seen: text column → values trained on.
    """

    pipeline: Pipeline
    task: str
    names: tuple[str, ...]
    text: tuple[str, ...]
    seen: Mapping[str, tuple[str, ...]]


class NotThisKind(Exception):
    """A pipeline, or a part of it, is not of this kind. The message names the part."""


def only_step(before: Sequence[Any]) -> Any:
    """The one step before the estimator. Raises NotThisKind for another number of them."""
    if len(before) != 1:
        raise NotThisKind(f"{len(before)} steps precede the estimator")
    return before[0]


class Kind(Protocol):
    """One kind of scorer, registered by name in `perennial.serving.scorers`.

    asked: how the pipeline must be asked to get the scorer's bits; None for whatever keeps rows apart.
    """

    asked: Asked | None

    def parts(self, model: Model) -> Parts:
        """What the scorer of a fitted pipeline needs. Raises NotThisKind. May import scikit-learn."""
        ...

    def scorer(self, parts: Parts) -> Scorer:
        """The scorer made from its parts. Imports neither pandas nor scikit-learn."""
        ...
