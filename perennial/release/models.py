"""Loading what the ledger names: registered bytes, digest checked, features with them."""

from __future__ import annotations

from perennial.store.entries import ModelRef, Release
from perennial.store.registry import Registry
from perennial.training.artifact import Fitted, load


def load_model(registry: Registry, usecase: str, model: ModelRef) -> Fitted:
    """The model of a version. Raises RegistryDown, or ModelUnloadable with what is wrong with its bytes."""
    return load(registry.folder(usecase, model), model.digest)


def load_champion(registry: Registry, usecase: str, release: Release) -> Fitted:
    """What a release serves. Raises as `load_model`."""
    return load_model(registry, usecase, release.serves[0].model)
