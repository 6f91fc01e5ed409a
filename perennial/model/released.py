"""Loading what the ledger names: registered bytes, digest checked, features with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.ledger.entries import ModelRef, Release
from perennial.model.artifact import Fitted, load
from perennial.store.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


def load_model(registry: Registry, usecase: str, model: ModelRef) -> Fitted:
    """The model of a version. Raises RegistryDown, or ModelUnloadable with what is wrong with its bytes."""
    return load(registry.folder(usecase, model), model.digest)


def load_champion(registry: Registry, usecase: str, release: Release) -> Fitted:
    """The tested model of a release. Raises as `load_model`."""
    return load_model(registry, usecase, release.champion.model)


@dataclass(frozen=True)
class Serving:
    """Everything that a release serves: the tested champion, and its refit where it has a share.

    weights: of each, together 1.
    """

    models: tuple[Fitted, ...]
    weights: tuple[float, ...]

    @property
    def champion(self) -> Fitted:
        """The tested model."""
        return self.models[0]

    def predict(self, rows: pd.DataFrame, classes: tuple[str | int, ...]) -> np.ndarray:
        """The weighted mean of the models' predictions, shape (n,), or (n, K) over the declared classes."""
        return self.blended([model.predict(rows) for model in self.models], classes)

    def blended(self, predictions: list[np.ndarray], classes: tuple[str | int, ...]) -> np.ndarray:
        """The same, of what each of the models predicts."""
        found = [model.over(each, classes) for model, each in zip(self.models, predictions, strict=True)]
        if len(found) == 1:
            alone: np.ndarray = found[0]
            return alone
        mean: np.ndarray = np.average(np.stack(found), axis=0, weights=self.weights)
        return mean


def load_served(registry: Registry, usecase: str, release: Release) -> Serving:
    """All that a release serves. Raises as `load_model`."""
    models = tuple(load_model(registry, usecase, each.model) for each in release.serves)
    return Serving(models, tuple(each.weight for each in release.serves))
