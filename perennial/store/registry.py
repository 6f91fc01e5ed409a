"""MLflow: experiments, model versions, and the alias that mirrors the ledger. The only module that imports it.

MLflow's aliases know no compare-and-set, so they decide nothing here: the ledger does, and the alias follows.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.errors import ModelUnloadable, RegistryDown
from perennial.fault_points import write
from perennial.ledger.entries import ModelRef
from perennial.store.lock import only_one

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

ALIAS = "champion"
REFIT_ALIAS = "refit"
"""The version that serves a share beside the champion, untested, under a blending policy."""
_CHALLENGER = "perennial.challenger"
_DIGEST = "perennial.digest"
_LONGEST_TAG, _LONGEST_PARAM = 5000, 6000  # characters; within what MLflow takes


@dataclass(frozen=True)
class TrialRun:
    """One trial of a search, kept as a child run. state: `won`, `lost` or `failed`; why: in words."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    state: str
    why: str


@dataclass(frozen=True)
class Training:
    """What is recorded about a fit.

    predictions: of the first 100 inputs. files: travel with the pipeline. trials: of the search before the fit.
    trusted: our allow-list for skops. digest: of a saved model's folder.
    """

    challenger: str
    pipeline: Any
    files: list[Path]
    trusted: tuple[str, ...]
    inputs: pd.DataFrame
    predictions: Any
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    dataset: str
    dataset_digest: str
    requirements: list[str]
    digest: Callable[[Path], str]
    trials: tuple[TrialRun, ...]


@dataclass(frozen=True)
class Registry:
    """The experiment and the registered model of each use case, both named after it."""

    tracking_uri: str
    artifacts: str | None

    @cached_property
    def _client(self) -> MlflowClient:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        # Seven by default, which takes four minutes: here the task that asks is retried as a whole.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        import logging

        import mlflow

        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        if self.tracking_uri.startswith("sqlite:///"):
            _make_database(Path(self.tracking_uri.removeprefix("sqlite:///")))
        return mlflow.MlflowClient(self.tracking_uri, self.tracking_uri)

    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        import sqlalchemy.exc
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError, sqlalchemy.exc.SQLAlchemyError) as error:
            raise RegistryDown(
                f"the model registry at {self.tracking_uri} did not {what}: {str(error).splitlines()[0]}. "
                f"Nothing was released; run the same command again when it answers."
            ) from error

    def experiment(self, usecase: str) -> str:
        """The experiment's id, made at first use. Raises RegistryDown."""
        with self._answering("open the experiment"):
            found = self._client.get_experiment_by_name(usecase)
            if found is not None:
                return str(found.experiment_id)
            location = (
                f"{Path(self.artifacts).as_uri()}/{usecase}" if self.artifacts and "://" not in self.artifacts else None
            )
            return str(self._client.create_experiment(usecase, artifact_location=location))

    def find(self, usecase: str, challenger: str) -> ModelRef | None:
        """The registered version of a challenger, or None. Raises RegistryDown."""
        with self._answering("look a version up"):
            found = self._client.search_model_versions(f"name = '{usecase}' and tags.`{_CHALLENGER}` = '{challenger}'")
        if not found:
            return None
        oldest = min(found, key=lambda v: int(v.version))
        return ModelRef(version=int(oldest.version), run_id=oldest.run_id, digest=oldest.tags[_DIGEST])

    def register(self, usecase: str, training: Training) -> ModelRef:
        """Record the run, save the model with skops and register it as a version, once a challenger.

        An unfinished run of the same challenger is marked as interrupted. Raises RegistryDown.
        """
        existing = self.find(usecase, training.challenger)
        if existing is not None:
            return existing
        experiment = self.experiment(usecase)
        self._end_unfinished(experiment, training.challenger)
        with self._answering("record the training"):
            with write("mlflow_run"):
                run_id, folder, model_uri = self._log(experiment, training)
            digest = training.digest(folder)
            with write("mlflow_version"):
                self._ensure_model(usecase)
                version = self._client.create_model_version(
                    usecase,
                    source=model_uri,
                    run_id=run_id,
                    tags={_CHALLENGER: training.challenger, _DIGEST: digest, "perennial.state": "waiting"},
                )
        return ModelRef(version=int(version.version), run_id=run_id, digest=digest)

    def _log(self, experiment: str, training: Training) -> tuple[str, Path, str]:
        import mlflow
        from mlflow.models import infer_signature

        # The fluent functions below know one address for the whole process.
        mlflow.set_tracking_uri(self.tracking_uri)
        mlflow.set_registry_uri(self.tracking_uri)
        with mlflow.start_run(
            experiment_id=experiment,
            run_name=training.challenger,
            tags={_CHALLENGER: training.challenger, **training.tags},
        ) as run:
            mlflow.log_params({name: str(value)[:_LONGEST_PARAM] for name, value in training.params.items()})
            mlflow.log_metrics(dict(training.metrics))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # one path fits two of MLflow's kinds of local source
                data = mlflow.data.from_pandas(  # type: ignore[attr-defined]
                    training.inputs.head(1000),
                    source=training.dataset,
                    name=training.tags["perennial.snapshot"],
                    digest=training.dataset_digest[:16],
                )
            mlflow.log_input(data, context="training")
            for trial in training.trials:
                self._log_trial(experiment, run.info.run_id, trial)
            info = mlflow.sklearn.log_model(
                training.pipeline,
                name="model",
                serialization_format="skops",
                skops_trusted_types=list(training.trusted),
                pip_requirements=training.requirements,
                extra_files=[str(path) for path in training.files],
                signature=infer_signature(training.inputs.head(100), training.predictions),
            )
        return run.info.run_id, Path(mlflow.artifacts.download_artifacts(info.model_uri)), info.model_uri

    def _log_trial(self, experiment: str, parent: str, trial: TrialRun) -> None:
        """Without the challenger's tag: that names the one run that became a model."""
        from mlflow.entities import Metric, Param

        tags = {
            "mlflow.parentRunId": parent,
            "perennial.outcome": trial.state,
            "perennial.reason": trial.why[:_LONGEST_TAG],
        }
        child = self._client.create_run(experiment, run_name=trial.name, tags=tags).info.run_id
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in trial.metrics.items()]
        params = [Param(name, str(value)[:_LONGEST_PARAM]) for name, value in trial.params.items()]
        self._client.log_batch(child, metrics=metrics, params=params)
        self._client.set_terminated(child, "FAILED" if trial.state == "failed" else "FINISHED")

    def _ensure_model(self, usecase: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(usecase)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _end_unfinished(self, experiment: str, challenger: str) -> None:
        with self._answering("list its runs"):
            runs = self._client.search_runs(
                [experiment], f"tags.`{_CHALLENGER}` = '{challenger}' and attributes.status = 'RUNNING'"
            )
            for run in runs:
                self.mark_failed(run.info.run_id, "interrupted: the process ended before the model was saved")

    def record_failure(self, usecase: str, challenger: str, params: Mapping[str, Any], reason: str) -> str:
        """A failed run with its reason, so that what was tried is not forgotten; the run's id. Raises RegistryDown."""
        experiment = self.experiment(usecase)
        with self._answering("record the failure"):
            run = self._client.create_run(experiment, run_name=challenger, tags={_CHALLENGER: challenger})
            for name, value in params.items():
                self._client.log_param(run.info.run_id, name, str(value)[:_LONGEST_PARAM])
            self.mark_failed(run.info.run_id, reason)
        return str(run.info.run_id)

    def mark_failed(self, run_id: str, reason: str) -> None:
        """End a run as FAILED with `perennial.reason`. Raises RegistryDown."""
        with self._answering("mark a run as failed"):
            self._client.set_tag(run_id, "perennial.reason", reason[:_LONGEST_TAG])
            self._client.set_terminated(run_id, "FAILED")

    def record_decision(
        self, usecase: str, model: ModelRef, outcome: str, reason: str, metrics: Mapping[str, float]
    ) -> None:
        """Tag the judged version and its run with outcome and reason. Raises RegistryDown."""
        with self._answering("record the decision"):
            for name, value in metrics.items():
                self._client.log_metric(model.run_id, name, value)
            for name, text in (("perennial.state", outcome), ("perennial.reason", reason[:4900])):
                self._client.set_model_version_tag(usecase, str(model.version), name, text)
                self._client.set_tag(model.run_id, name.replace("state", "outcome"), text)

    def folder(self, usecase: str, model: ModelRef) -> Path:
        """Where the version's files lie here. Raises RegistryDown, or ModelUnloadable where they are gone."""
        import mlflow
        from mlflow.exceptions import MlflowException

        with self._answering("give the version"):
            # Not its source, models:/m-…, which MLflow looks up at the address of the whole process.
            place = self._client.get_model_version_download_uri(usecase, str(model.version))
        try:
            return Path(mlflow.artifacts.download_artifacts(place, tracking_uri=self.tracking_uri))
        except (MlflowException, OSError) as error:
            raise ModelUnloadable(
                f"{usecase}: the files of version {model.version} are missing: {str(error).splitlines()[0]}. "
                f"Restore them from a backup, or go back with `perennial rollback {usecase}`"
            ) from error

    def champion(self, usecase: str) -> int | None:
        """The version that the alias names now, or None. Raises RegistryDown."""
        return self._named(usecase, ALIAS)

    def _named(self, usecase: str, alias: str) -> int | None:
        from mlflow.exceptions import MlflowException

        with self._answering("say where the alias points"):
            try:
                return int(self._client.get_model_version_by_alias(usecase, alias).version)
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise

    def point_champion(self, usecase: str, version: int) -> None:
        """Let the alias name a version. Raises RegistryDown."""
        with write("alias"), self._answering("move the alias"):
            self._client.set_registered_model_alias(usecase, ALIAS, str(version))

    def point_refit(self, usecase: str, version: int | None) -> None:
        """Let the alias of the refit name a version, or none. Raises RegistryDown."""
        if self._named(usecase, REFIT_ALIAS) == version:
            return
        with self._answering("move the alias"):
            if version is None:
                self._client.delete_registered_model_alias(usecase, REFIT_ALIAS)
            else:
                self._client.set_registered_model_alias(usecase, REFIT_ALIAS, str(version))

    def unfinished(self, usecase: str) -> list[str]:
        """Ids of runs that still say RUNNING. Raises RegistryDown."""
        experiment = self.experiment(usecase)
        with self._answering("list its runs"):
            return [r.info.run_id for r in self._client.search_runs([experiment], "attributes.status = 'RUNNING'")]


def _make_database(path: Path) -> None:
    """MLflow's database, whole or not at all: it is made in many steps, and no run goes on from between two of them.

    Raises TransientError where another process takes ten minutes for it.
    """
    import mlflow

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    with only_one(path.parent, path.name, "making"):
        if path.exists():
            return
        for left in (half, half.with_name(f"{half.name}-journal")):
            left.unlink(missing_ok=True)
        mlflow.MlflowClient(f"sqlite:///{half}", f"sqlite:///{half}").search_experiments(max_results=1)
        half.replace(path)
