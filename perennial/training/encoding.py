"""The steps between a model's input and its estimator, fitted on some rows and applied part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.errors import InputError
from perennial.model.predicting import ready, text_columns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Encoding:
    """Fitted steps. text: the input columns that hold text. width: how many columns the estimator gets."""

    steps: list[Any]
    text: frozenset[str]
    width: int

    @classmethod
    def fitted(cls, steps: list[Any], inputs: pd.DataFrame, labels: np.ndarray) -> Encoding:
        """The steps, fitted on these inputs. labels: shape (n,)."""
        made: Any = ready(inputs)
        for step in steps:
            made = step.fit(made, labels).transform(made)
        return cls(steps, frozenset(text_columns(inputs)), _numbers(made).shape[1])

    def typed(self, inputs: pd.DataFrame) -> pd.DataFrame:
        """The inputs of a part, ready for the steps, with the types that the steps were fitted with.

        A boolean column is text only if a value is missing, and derived text without any value looks like numbers.
        """
        import pandas as pd

        table = inputs.copy(deep=False)
        for name in self.text.symmetric_difference(text_columns(inputs)):
            is_text = name in self.text
            table[name] = table[name].astype("object") if is_text else pd.to_numeric(table[name], errors="coerce")
        return ready(table)

    def of(self, typed: pd.DataFrame) -> np.ndarray:
        """What the estimator gets, shape (n, width)."""
        made: Any = typed
        for step in self.steps:
            made = step.transform(made)
        return _numbers(made)


def _numbers(made: Any) -> np.ndarray:
    from scipy.sparse import issparse

    if issparse(made):
        raise InputError(
            "model.parts: a step before the estimator gives sparse columns; set its sparse_output to False"
        )
    numbers: np.ndarray = np.asarray(made, dtype=np.float64)
    return numbers
