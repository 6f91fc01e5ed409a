"""A training as MLflow records it: run, parameters, metrics, snapshot, trials and the model's files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.store.registry.names import LONGEST_PARAM, LONGEST_TAG, key

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

CHALLENGER = "perennial.challenger"
DIGEST = "perennial.digest"
SIGNED_WITH = "perennial.signed_with"


@dataclass(frozen=True)
class TrialRun:
    """One trial of a search, recorded as a child run. state: `won`, `lost` or `failed`; why: in words."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    state: str
    why: str


@dataclass(frozen=True)
class LearnedFrom:
    """The training rows as recorded in MLflow: their identity and number, never their content."""

    snapshot: str
    table: str
    digest: str
    rows: int


@dataclass(frozen=True)
class Training:
    """What is recorded about a fit.

    inputs, predictions: a few rows, for the names and types of the model's signature; no row is stored.
    files: stored with the pipeline. trials: of the search before the fit.
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
    learned_from: LearnedFrom
    requirements: list[str]
    digest: Callable[[Path], str]
    trials: tuple[TrialRun, ...]


def record(client: MlflowClient, tracking_uri: str, experiment: str, training: Training) -> tuple[str, Path, str]:
    """The run's id, the local folder of the model's files, and the model's address in MLflow."""
    import mlflow
    from mlflow.models import infer_signature

    # The fluent functions below use one process-wide address.
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    _compare_no_requirements()
    with mlflow.start_run(
        experiment_id=experiment,
        run_name=training.challenger,
        tags={CHALLENGER: training.challenger, **{key(name): text for name, text in training.tags.items()}},
    ) as run:
        note(client, run.info.run_id, params=training.params)
        signature = infer_signature(training.inputs, training.predictions)
        client.log_inputs(run.info.run_id, [_dataset(training.learned_from, signature)])
        for trial in training.trials:
            _record_trial(client, experiment, run.info.run_id, trial)
        info = mlflow.sklearn.log_model(
            training.pipeline,
            name="model",
            serialization_format="skops",
            skops_trusted_types=list(training.trusted),
            pip_requirements=training.requirements,
            extra_files=[str(path) for path in training.files],
            signature=signature,
        )
        note(client, run.info.run_id, training.metrics, model=info.model_id)
    return run.info.run_id, Path(mlflow.artifacts.download_artifacts(info.model_uri)), info.model_uri


def _compare_no_requirements() -> None:
    """Save MLflow from comparing the requirements, which are the installed versions, with the installed versions.

    In 3.17, that takes a sixth of `log_model`, for a warning that its logger here does not print.
    """
    from mlflow.utils import environment

    environment.warn_dependency_requirement_mismatches = lambda model_requirements: None


def note(
    client: MlflowClient,
    run: str,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    model: str | None = None,
) -> None:
    """Write what a run's page shows, in one transaction. model: the logged model whose page shows the metrics too."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    client.log_batch(
        run,
        metrics=[
            Metric(key(name), value, now, 0, model_id=model, run_id=run) for name, value in (metrics or {}).items()
        ],
        params=[Param(key(name), str(value)[:LONGEST_PARAM]) for name, value in (params or {}).items()],
        tags=[RunTag(name, text) for name, text in (tags or {}).items()],
    )


def _dataset(rows: LearnedFrom, signature: Any) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return DatasetInput(
        Dataset(
            name=rows.snapshot,
            digest=rows.digest[:16],
            source_type="perennial",
            source=json.dumps({"table": rows.table, "snapshot": rows.snapshot}),
            schema=json.dumps({"mlflow_colspec": signature.inputs.to_dict()}),
            profile=json.dumps({"num_rows": rows.rows}),
        ),
        [InputTag("mlflow.data.context", "training")],
    )


def _record_trial(client: MlflowClient, experiment: str, parent: str, trial: TrialRun) -> None:
    """Record a trial, without the challenger's tag, which marks the one run that became a model."""
    tags = {
        "mlflow.parentRunId": parent,
        "perennial.outcome": trial.state,
        "perennial.reason": trial.why[:LONGEST_TAG],
    }
    child = client.create_run(experiment, run_name=trial.name, tags=tags).info.run_id
    note(client, child, trial.metrics, params=trial.params)
    client.set_terminated(child, "FAILED" if trial.state == "failed" else "FINISHED")
