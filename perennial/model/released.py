"""Loads the models that the ledger names: registered bytes with a checked digest, and their features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.ledger.entries import Candidate, ModelRef, Release
from perennial.model.artifact import Fitted, load
from perennial.model.predicting import weighted
from perennial.store.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


def load_model(registry: Registry, usecase: str, model: ModelRef) -> Fitted:
    """The model of a version. Raises RegistryDown, or ModelUnloadable with the reason."""
    return load(registry.folder(usecase, model), model.digest)


def load_champion(registry: Registry, usecase: str, release: Release) -> Fitted:
    """The tested model of a release. Raises like `load_model`."""
    return load_model(registry, usecase, release.champion.model)


@dataclass(frozen=True)
class Serving:
    """The live models of a release: the tested champion, and the refit if it has a weight.

    weights: of each model; they sum to 1.
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
        """The same, from the predictions of each of the models."""
        predictions = [model.over(each, classes) for model, each in zip(self.models, predictions, strict=True)]
        mean: np.ndarray = weighted(predictions, self.weights)
        return mean


def load_candidate(registry: Registry, usecase: str, candidate: Candidate) -> Serving:
    """The model in a stage. Raises like `load_model`."""
    return Serving((load_model(registry, usecase, candidate.model),), (1.0,))


def load_served(registry: Registry, usecase: str, release: Release) -> Serving:
    """The live models of a release. Raises like `load_model`."""
    models = tuple(load_model(registry, usecase, each.model) for each in release.serves)
    return Serving(models, tuple(each.weight for each in release.serves))
