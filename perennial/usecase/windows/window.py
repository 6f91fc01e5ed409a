"""What a training window is: the part of the past that a model learns from."""

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

    at: shape (n,), when each row's event happened. batch: shape (n,), the batch each row came with.
    batches: every batch known by then, the oldest first. as_of: the moment of training.
    """

    at: pd.Series[Any]
    batch: pd.Series[Any]
    batches: tuple[str, ...]
    as_of: datetime


class Window(Protocol):
    """A window as declared: a pydantic model whose one field is the word that a declaration writes."""

    def keeps(self, past: Past) -> pd.Series[bool] | None:
        """Which rows to learn from, shape (n,); None for all."""
        ...

    def weights(self, at: pd.Series[Any]) -> np.ndarray | None:
        """What each row that was kept counts in a fit, shape (n,); None where all count alike."""
        ...
