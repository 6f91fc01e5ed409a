"""What people deleted or renamed in MLflow, found by the runs of the versions that we registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perennial.store.registry.training_run import CHALLENGER

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

_AT_ONCE = 200
"""As many runs are asked for in one query."""


def experiment_of_versions(client: MlflowClient, model: str) -> Experiment | None:
    """Where the run of one of the model's versions lies, whatever that experiment is called by now."""
    versions = client.search_model_versions(f"name = '{model}'")
    run_id = next((version.run_id for version in versions if CHALLENGER in version.tags), None)
    run = _run(client, run_id) if run_id else None
    return None if run is None else client.get_experiment(run.info.experiment_id)


def deleted_among(client: MlflowClient, experiment: str, runs: Sequence[str]) -> dict[str, bool]:
    """Those of the runs that were deleted → whether MLflow can restore them."""
    active = set[str]()
    for start in range(0, len(runs), _AT_ONCE):
        listed = ", ".join(f"'{run}'" for run in runs[start : start + _AT_ONCE])
        active |= {run.info.run_id for run in client.search_runs([experiment], f"attributes.run_id IN ({listed})")}
    others = {run_id: _run(client, run_id) for run_id in runs if run_id not in active}
    return {
        run_id: run is not None for run_id, run in others.items() if run is None or run.info.lifecycle_stage != "active"
    }


def _run(client: MlflowClient, run_id: str) -> Run | None:
    """A run, deleted or not; None where MLflow does not have it."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
