"""The interface of a training window: the rows a model is trained on, and their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Past:
    """The labelled rows to choose from, in key order.

    at: shape (n,), when each row's event happened. batch: shape (n,), the batch of each row.
    batches: every batch known by then, oldest first. as_of: the time of the training.
    """

    at: pd.Series[Any]
    batch: pd.Series[Any]
    batches: tuple[str, ...]
    as_of: datetime


class Window(Protocol):
    """A declared window: a pydantic model whose single field is the word used in the declaration.

    One with a class variable `by_row = True` keeps a row by that row's time and batch alone, whatever other rows there
    are. It is then asked part by part while rows are read, so that the others take no memory. If it also has a method
    `earliest(as_of)`, the time before which it keeps no row, older files are not opened.
    """

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """Which rows to train on, shape (n,); None for all."""
        ...

    def weights(self, at: pd.Series[Any]) -> np.ndarray | None:
        """The sample weight of each row kept, shape (n,); None for equal weights."""
        ...
