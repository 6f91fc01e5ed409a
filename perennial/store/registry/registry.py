"""Experiments, model versions and aliases of the use cases in MLflow.

MLflow's aliases have no compare-and-set, so nothing depends on them: the ledger decides, and the alias follows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from perennial.errors import ExperimentDeleted, ModelDeleted, ModelUnloadable
from perennial.fault_points import write
from perennial.ledger.entries import ModelArchived, ModelRef
from perennial.settings import database_file
from perennial.signing.signature import NOT_CHECKED, SIGNATURE_FILE, Signatures
from perennial.store.lock import only_one
from perennial.store.model_archive import Archived, ModelArchive, missing_from_archive
from perennial.store.registry.deleted import deleted_among, experiment_of_versions
from perennial.store.registry.names import LONGEST_PARAM, LONGEST_TAG, address, in_namespace, key
from perennial.store.registry.states import answering
from perennial.store.registry.training_run import CHALLENGER, DIGEST, SIGNED_WITH, Training, note, record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

ALIAS = "champion"
Beside = Literal["refit", "candidate", "shadow", "member_2", "member_3", "member_4", "member_5"]
BESIDE: tuple[Beside, ...] = get_args(Beside)
"""Aliases of versions beside the champion: live with it in a blend or a mixture, or in a canary or shadow."""
_GONE = "MLflow cannot restore it: restore MLflow's database from a backup. No decision or model depends on it"
_FOR_GOOD = (
    "MLflow cannot restore it: restore MLflow's database from a backup. Without one, roll back if it is live, or "
    "train a new challenger if it waits."
)

_PLACES: dict[tuple[str, str, str, str | None], str] = {}
"""The files of the versions that this process has loaded, by registry, model, version and source."""


@dataclass(frozen=True)
class Registry:
    """The experiment and the registered model of each use case, both named after it.

    artifacts: a folder or an address; None if a tracking server stores the files.
    namespace: a prefix for the names, for teams that share an MLflow.
    signatures: which key signs the files of a version, and which ones verify them.
    rewritten: the digests of the models of a use case that an erasure has changed, by the registered ones.
    archive: where the files of old versions are. archived: the row about one that was moved there.
    """

    tracking_uri: str
    artifacts: str | None
    namespace: str = ""
    signatures: Signatures = NOT_CHECKED
    rewritten: Callable[[str], Mapping[str, str]] = lambda _: {}
    archive: ModelArchive | None = None
    archived: Archived = lambda *_: None

    @cached_property
    def _client(self) -> MlflowClient:
        # Before MLflow's two thousand modules: where it is imported, skops looks for each of these functions in all
        # modules, in the order in which they were loaded, until it meets them. That takes a second otherwise.
        import scipy.special  # noqa: F401

        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        # Seven by default, which takes four minutes. Here the calling task is retried as a whole instead.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        import logging

        import mlflow
        import mlflow.store.artifact.artifact_repository_registry  # before `places`, which it loads by its entry point

        from perennial.store.registry.places import keep_in

        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        if self.artifacts is not None and "://" not in self.artifacts:
            keep_in(self.tracking_uri, self.artifacts)
        if (file := database_file(self.tracking_uri)) is not None:
            _make_database(file)
        return mlflow.MlflowClient(self.tracking_uri, self.tracking_uri)

    def prepare(self) -> None:
        """Import all of MLflow that a training uses, and make its database where there is none: seconds, once."""
        assert self._client
        import mlflow.sklearn  # noqa: F401

    def _answering(self, what: str) -> AbstractContextManager[None]:
        return answering(self.shown, what)

    @property
    def shown(self) -> str:
        """The registry's address without its password."""
        from perennial.secrets import masked

        return masked(self.tracking_uri)

    def name(self, usecase: str) -> str:
        """The name of a use case's experiment and registered model in MLflow."""
        return in_namespace(self.namespace, usecase)

    def experiment(self, usecase: str) -> str:
        """The experiment's id; it is created at first use. Raises ExperimentDeleted if it was deleted or renamed."""
        there = self._experiment(usecase)
        if there is not None:
            return there
        name = self.name(usecase)
        kept = None if self.artifacts is None else address(name)
        if self.artifacts is not None and "://" in self.artifacts:
            kept = f"{self.artifacts.rstrip('/')}/{name}"
        with self._answering("open the experiment"):
            return str(self._client.create_experiment(name, artifact_location=kept))

    def _experiment(self, usecase: str) -> str | None:
        """The experiment's id, None before the first use."""
        name = self.name(usecase)
        with self._answering("open the experiment"):
            experiment = self._client.get_experiment_by_name(name)
            if experiment is None:
                self._refuse_renamed(usecase)
                return None
        if experiment.lifecycle_stage == "deleted":
            raise ExperimentDeleted(
                f"{usecase}: the experiment {name!r} (id {experiment.experiment_id}) was deleted in MLflow at "
                f"{self.shown}, so no run can be recorded\n"
                f"  Restore it there: MLFLOW_TRACKING_URI={self.shown} mlflow experiments restore "
                f"--experiment-id {experiment.experiment_id}"
            )
        return str(experiment.experiment_id)

    def _refuse_renamed(self, usecase: str) -> None:
        """Raises ExperimentDeleted if the runs of the use case's versions are in an experiment with another name."""
        name, other = self.name(usecase), experiment_of_versions(self._client, self.name(usecase))
        if other is not None:
            raise ExperimentDeleted(
                f"{usecase}: the experiment {name!r} (id {other.experiment_id}) was renamed to {other.name!r} in "
                f"MLflow at {self.shown}, so new runs would be recorded apart from the earlier ones\n"
                f"  Rename it back: MLFLOW_TRACKING_URI={self.shown} mlflow experiments rename "
                f"--experiment-id {other.experiment_id} --new-name {name}"
            )

    def refuse_deleted(self, usecase: str) -> None:
        """Raises ExperimentDeleted before a decision is made that could not be recorded; RegistryDown."""
        self.experiment(usecase)

    def find(self, usecase: str, challenger: str) -> ModelRef | None:
        """The registered version of a challenger, or None. Raises RegistryDown."""
        with self._answering("look a version up"):
            versions = self._client.search_model_versions(
                f"name = '{self.name(usecase)}' and tags.`{CHALLENGER}` = '{challenger}'"
            )
        if not versions:
            return None
        oldest = min(versions, key=lambda v: int(v.version))
        return ModelRef(
            version=int(oldest.version),
            run_id=oldest.run_id,
            digest=oldest.tags[DIGEST],
            signed_with=oldest.tags.get(SIGNED_WITH),
        )

    def register(self, usecase: str, training: Training) -> ModelRef:
        """Record the run, save the model with skops and register it as a version, once per challenger.

        An unfinished run of the same challenger is marked as interrupted. Raises RegistryDown, ExperimentDeleted.
        """
        existing = self.find(usecase, training.challenger)
        if existing is not None:
            return existing
        experiment = self.experiment(usecase)
        self._end_unfinished(experiment, training.challenger)
        with self._answering("record the training"):
            with write("mlflow_run"):
                run_id, folder, model_uri = record(self._client, self.tracking_uri, experiment, training)
            digest = training.digest(folder)
            signed_with = self._sign(folder, model_uri)
            with write("mlflow_version"):
                tags = {CHALLENGER: training.challenger, DIGEST: digest, "perennial.state": "waiting"}
                tags |= {SIGNED_WITH: signed_with} if signed_with else {}
                version = self._new_version(usecase, model_uri, run_id, tags)
        return ModelRef(version=version, run_id=run_id, digest=digest, signed_with=signed_with)

    def _sign(self, folder: Path, source: str) -> str | None:
        """Sign a model's files where a key is set, and return what names the key."""
        signed_with = self.signatures.sign(folder)
        if signed_with is not None:
            self._client.log_model_artifact(source.removeprefix("models:/"), str(folder / SIGNATURE_FILE))
        return signed_with

    def sign(self, usecase: str, model: ModelRef) -> str | None:
        """Sign the files of a version whose bytes were compared with its digest; None without a key.

        An archived version is taken back. Raises RegistryDown, ModelDeleted, ModelUnloadable.
        """
        entry = self.archived(usecase, model.version, self.digest(usecase, model))
        if entry is not None:
            self.take_back(usecase, model, entry)
        folder = self.unverified_folder(usecase, model)
        with self._answering("sign a version"):
            source = self._client.get_model_version(self.name(usecase), str(model.version)).source
            return self._sign(folder, str(source))

    def _new_version(self, usecase: str, source: str, run_id: str, tags: dict[str, str]) -> int:
        """Register a version, and before the first one the model, because asking for a model loads all its versions."""
        from mlflow.exceptions import MlflowException

        name, model_id = self.name(usecase), source.removeprefix("models:/")  # which a server asks for

        def version() -> int:
            return int(self._client.create_model_version(name, source, run_id, tags=tags, model_id=model_id).version)

        try:
            return version()
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return version()

    def _end_unfinished(self, experiment: str, challenger: str) -> None:
        with self._answering("list its runs"):
            runs = self._client.search_runs(
                [experiment], f"tags.`{CHALLENGER}` = '{challenger}' and attributes.status = 'RUNNING'"
            )
        for run in runs:
            self.mark_failed(run.info.run_id, "interrupted: the process ended before the model was saved")

    def record_failure(self, usecase: str, challenger: str, params: Mapping[str, Any], reason: str) -> str:
        """Record a failed run with its reason and return its id. Raises RegistryDown."""
        experiment = self.experiment(usecase)
        with self._answering("record the failure"):
            run = self._client.create_run(experiment, run_name=challenger, tags={CHALLENGER: challenger})
            for name, value in params.items():
                self._client.log_param(run.info.run_id, key(name), str(value)[:LONGEST_PARAM])
        self.mark_failed(run.info.run_id, reason)
        return str(run.info.run_id)

    def mark_failed(self, run_id: str, reason: str) -> None:
        """End a run as FAILED with `perennial.reason`. Raises RegistryDown, RunDeleted."""
        with self._answering("mark a run as failed"):
            self._client.set_tag(run_id, "perennial.reason", reason[:LONGEST_TAG])
            self._client.set_terminated(run_id, "FAILED")

    def record_decision(
        self, usecase: str, model: ModelRef, outcome: str, reason: str, metrics: Mapping[str, float]
    ) -> None:
        """Tag the evaluated version and its run with outcome and reason. Raises RegistryDown, RunDeleted."""
        reason = reason[:4900]
        with self._answering("record the decision"):
            note(self._client, model.run_id, metrics, {"perennial.outcome": outcome, "perennial.reason": reason})
            for name, text in (("perennial.state", outcome), ("perennial.reason", reason)):
                self._client.set_model_version_tag(self.name(usecase), str(model.version), name, text)

    def digest(self, usecase: str, model: ModelRef) -> str:
        """The digest that the version's files must have: as registered, or as an erasure on record has left them."""
        return self.rewritten(usecase).get(model.digest, model.digest)

    def folder(self, usecase: str, model: ModelRef) -> Path:
        """The local folder with the version's files, whose signature is verified where that is needed.

        Raises RegistryDown, ModelDeleted if the version is gone, ModelUnloadable if its files are missing,
        SignatureRefused if they may not be loaded.
        """
        folder = self.unverified_folder(usecase, model)
        self.signatures.check(folder, f"{usecase}: version {model.version}", was_signed=bool(model.signed_with))
        return folder

    def unverified_folder(self, usecase: str, model: ModelRef) -> Path:
        """The folder of `folder`, to look at the signature: nothing in it may be loaded. Raises like `folder`."""
        import scipy.special  # noqa: F401  # first, see `_client`

        # isort: split
        import mlflow
        from mlflow.exceptions import MlflowException

        entry = self.archived(usecase, model.version, self.digest(usecase, model))
        if entry is not None and self.archive is not None and self.archive.has(entry):
            return self.archive.folder(entry)
        with self._answering("look a version up"):
            try:
                place = self._place(self.name(usecase), str(model.version))
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise self._deleted(usecase, model) from error
        if entry is not None and self.archive is not None and not self.has_files(usecase, model):
            raise missing_from_archive(usecase, self.archive, entry)
        try:
            return Path(mlflow.artifacts.download_artifacts(place, tracking_uri=self.tracking_uri))
        except (MlflowException, OSError) as error:
            raise ModelUnloadable(
                f"{usecase}: the files of version {model.version} are missing: {str(error).splitlines()[0]}\n"
                "  Restore them from a backup, or roll back to the previous version."
            ) from error

    def has_files(self, usecase: str, model: ModelRef) -> bool:
        """Whether MLflow has any file of a version. Raises RegistryDown, RunDeleted."""
        with self._answering("list the files of a version"):
            return bool(self._stored(usecase, model).list_artifacts())

    def remove_files(self, usecase: str, model: ModelRef) -> None:
        """Remove a version's files, which are elsewhere; the version itself stays. Raises RegistryDown, RunDeleted."""
        with self._answering("remove the files of a version"), write("model_files"):
            self._stored(usecase, model).delete_artifacts()

    def write_back(self, usecase: str, model: ModelRef, folder: Path) -> None:
        """Store the files of a version as they are now in `folder`, which a call of `folder` returned; none remove it.

        In an object store or a server, that folder is a copy; otherwise it is where the files are, and nothing is done.
        Raises RegistryDown, RunDeleted.
        """
        from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

        stored = self._stored(usecase, model)
        if isinstance(stored, LocalArtifactRepository):
            return
        if not folder.exists():
            self.remove_files(usecase, model)
            return
        with self._answering("store the files of a version"), write("model_files"):
            stored.log_artifacts(str(folder))

    def take_back(self, usecase: str, model: ModelRef, entry: ModelArchived) -> None:
        """Put a version's files back, and remove them from the archive if they are there.

        Raises RegistryDown, RunDeleted, TerminalError for a file that is not the one that was archived.
        """
        if self.archive is None or not self.archive.has(entry):
            return
        with self._answering("put the files of a version back"), write("model_taken_back"):
            self._stored(usecase, model).log_artifacts(str(self.archive.folder(entry)))
        self.archive.remove(entry)

    def _stored(self, usecase: str, model: ModelRef) -> ArtifactRepository:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        place = self._place(self.name(usecase), str(model.version))
        return get_artifact_repository(place, tracking_uri=self.tracking_uri)

    def _place(self, name: str, version: str) -> str:
        """Where a version's files are. Asked once per source, because that request loads all versions of the model.

        Not the source itself, models:/m-…, which MLflow resolves with the process-wide tracking URI.
        """
        source = self._client.get_model_version(name, version).source
        known = (self.tracking_uri, name, version, source)
        if known not in _PLACES:
            _PLACES[known] = self._client.get_model_version_download_uri(name, version)
        return _PLACES[known]

    def _deleted(self, usecase: str, model: ModelRef) -> ModelDeleted:
        """Why a version is not found: it was deleted, or its whole model was, or the model was renamed."""
        from mlflow.exceptions import MlflowException

        name = self.name(usecase)
        others = {v.name for v in self._client.search_model_versions(f"run_id = '{model.run_id}'")} - {name}
        if others:
            other = min(others)
            return ModelDeleted(
                f"{usecase}: the registered model {name!r} was renamed to {other!r} in MLflow at {self.shown}, "
                f"so version {model.version} is not found\n  Rename it back to {name!r}."
            )
        try:
            self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ModelDeleted(
                f"{usecase}: the registered model {name!r} was deleted in MLflow at {self.shown}, and version "
                f"{model.version} with it\n  {_FOR_GOOD}"
            )
        return ModelDeleted(
            f"{usecase}: version {model.version} of {name!r} was deleted in MLflow at {self.shown}\n  {_FOR_GOOD}"
        )

    def champion(self, usecase: str) -> int | None:
        """The version that the alias points to, or None. Raises RegistryDown."""
        return self._named(usecase, ALIAS)

    def _named(self, usecase: str, alias: str) -> int | None:
        from mlflow.exceptions import MlflowException

        with self._answering("look up the alias"):
            try:
                return int(self._client.get_model_version_by_alias(self.name(usecase), alias).version)
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise

    def point_champion(self, usecase: str, model: ModelRef) -> None:
        """Point the alias to a version. Raises RegistryDown, ModelDeleted."""
        with write("alias"):
            self._point(usecase, ALIAS, model)

    def point_beside(self, usecase: str, models: Mapping[Beside, ModelRef]) -> None:
        """Point the aliases of the models beside the champion, and remove those of `BESIDE` that have none.

        Raises RegistryDown, ModelDeleted.
        """
        there = self._aliases(usecase)
        for alias in BESIDE:
            model = models.get(alias)
            if there.get(alias) == (model.version if model else None):
                continue
            if model is not None:
                self._point(usecase, alias, model)
                continue
            with self._answering("move the alias"):
                self._client.delete_registered_model_alias(self.name(usecase), alias)

    def _aliases(self, usecase: str) -> dict[str, int]:
        """Alias → version of all aliases of the use case's model."""
        from mlflow.exceptions import MlflowException

        with self._answering("look up the aliases"):
            try:
                named = self._client.get_registered_model(self.name(usecase)).aliases
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return {}
                raise
        return {alias: int(version) for alias, version in named.items()}

    def _point(self, usecase: str, alias: str, model: ModelRef) -> None:
        from mlflow.exceptions import MlflowException

        with self._answering("move the alias"):
            try:
                self._client.set_registered_model_alias(self.name(usecase), alias, str(model.version))
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise self._deleted(usecase, model) from error

    def unfinished(self, usecase: str) -> list[str]:
        """Ids of runs that still have the status RUNNING. Raises RegistryDown, ExperimentDeleted."""
        experiment = self._experiment(usecase)
        if experiment is None:
            return []
        with self._answering("list its runs"):
            return [r.info.run_id for r in self._client.search_runs([experiment], "attributes.status = 'RUNNING'")]

    def deleted_runs(self, usecase: str, runs: Sequence[str]) -> dict[str, str]:
        """The deleted runs among these → how to restore each. Raises RegistryDown, ExperimentDeleted."""
        experiment = self._experiment(usecase)
        if experiment is None:
            return {}
        with self._answering("list its runs"):
            deleted = deleted_among(self._client, experiment, runs)
        restore = f"restore it: MLFLOW_TRACKING_URI={self.shown} mlflow runs restore --run-id"
        return {run: f"{restore} {run}" if restorable else _GONE for run, restorable in deleted.items()}


def _make_database(path: Path) -> None:
    """Create MLflow's database atomically: it takes many steps, and no run can continue from between two of them.

    Raises TransientError if another process takes more than ten minutes for it.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    with only_one(path.parent, path.name, "making"):
        if path.exists():
            return
        for left in (half, half.with_name(f"{half.name}-journal")):
            left.unlink(missing_ok=True)
        # MLflow gives its default experiment a location immediately, which must not be the working directory.
        SqlAlchemyStore(f"sqlite:///{half}", address("default")).search_experiments(max_results=1)
        half.replace(path)
