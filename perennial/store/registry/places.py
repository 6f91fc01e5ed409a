"""The location of MLflow's files. MLflow stores the relative address `perennial:/shop/…`, so that a home can be moved.

MLflow writes the location of every run and model into its database, by default as an absolute path. A home that was
moved or restored elsewhere would then read and write its models in the former location. Our URI scheme is resolved when
a file is read or written. MLflow finds this module by its entry point, in its UI too.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from perennial.settings import beside_database, settings
from perennial.store.registry.names import SCHEME

_SERVER_STORE = "_MLFLOW_SERVER_FILE_STORE"
"""MLflow's variable with the database that `mlflow ui` shows."""

_FOLDERS: dict[str, Path] = {}


def keep_in(tracking_uri: str, artifacts: str) -> None:
    """Resolve the addresses of this database below `artifacts`, in this process."""
    _FOLDERS[tracking_uri] = Path(artifacts)
    _artifact_repository_registry.register(SCHEME, HomeArtifacts)


class HomeArtifacts(LocalArtifactRepository):
    """Files of a `perennial:/…` address: in the folder of this process's settings, otherwise next to the database."""

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        folder = _folder(tracking_uri or os.environ.get(_SERVER_STORE) or mlflow.get_tracking_uri())
        place = (folder / unquote(urlsplit(artifact_uri).path).lstrip("/")).resolve()
        if not place.is_relative_to(folder.resolve()):
            raise MlflowException.invalid_parameter_value(f"{artifact_uri} is outside the folder of artifacts")
        super().__init__(place.as_uri(), tracking_uri, registry_uri)


def _folder(tracking_uri: str) -> Path:
    if tracking_uri in _FOLDERS:
        return _FOLDERS[tracking_uri]
    here = settings()
    if here.mlflow_tracking_uri == tracking_uri and here.mlflow_artifacts:
        return Path(here.mlflow_artifacts)
    beside = beside_database(tracking_uri)
    if beside is None:
        raise MlflowException.invalid_parameter_value(
            "the folder of these files is unknown: set MLFLOW_TRACKING_URI and PERENNIAL_HOME as for Perennial"
        )
    return Path(beside)
