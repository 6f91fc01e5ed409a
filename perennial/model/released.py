"""Loads the models that the ledger names: registered bytes with a checked digest, and their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.ledger.entries import Candidate, ModelRef, Release, Served
from perennial.model.artifact import Fitted, load
from perennial.model.predicting import weighted
from perennial.store.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


def load_model(registry: Registry, usecase: str, model: ModelRef) -> Fitted:
    """The model of a version. Raises RegistryDown, or ModelUnloadable with the reason."""
    return load(registry.folder(usecase, model), registry.digest(usecase, model))


@dataclass(frozen=True)
class Serving:
    """Models that predict together. weights: of each; they add up to 1."""

    models: tuple[Fitted, ...]
    weights: tuple[float, ...]

    @property
    def champion(self) -> Fitted:
        """The first: in a release, the tested model that was trained last."""
        return self.models[0]

    def predict(self, rows: pd.DataFrame, classes: tuple[str | int, ...]) -> np.ndarray:
        """The weighted mean of the models' predictions, shape (n,), or (n, K) over the declared classes."""
        return self.blended([model.predict(rows) for model in self.models], classes)

    def blended(self, predictions: list[np.ndarray], classes: tuple[str | int, ...]) -> np.ndarray:
        """The same, from the predictions of each of the models."""
        predictions = [model.over(each, classes) for model, each in zip(self.models, predictions, strict=True)]
        mean: np.ndarray = weighted(predictions, self.weights)
        return mean


def evaluated_among(served: Serving, release: Release) -> Serving:
    """Of the live models of a release, those that were evaluated together, without a refit beside them."""
    weights = tuple(each.weight for each in release.evaluated)
    return Serving(served.models[: len(weights)], weights)


def load_candidate(registry: Registry, usecase: str, candidate: Candidate) -> Serving:
    """The models of the candidate in a stage. Raises like `load_model`."""
    return _load(registry, usecase, candidate.serves)


def load_evaluated(registry: Registry, usecase: str, release: Release) -> Serving:
    """The models of a release that were evaluated, which challengers are compared with. Raises like `load_model`."""
    return _load(registry, usecase, release.evaluated)


def load_served(registry: Registry, usecase: str, release: Release) -> Serving:
    """The live models of a release. Raises like `load_model`."""
    return _load(registry, usecase, release.serves)


def _load(registry: Registry, usecase: str, serves: Sequence[Served]) -> Serving:
    models = tuple(load_model(registry, usecase, each.model) for each in serves)
    return Serving(models, tuple(each.weight for each in serves))
