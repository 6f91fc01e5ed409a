"""Somebody deleted things in MLflow: the messages name what is gone, what is live, and how it goes on."""

from __future__ import annotations

import json

import mlflow
import pytest
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from perennial.ledger.entries import ChallengerEntry, Decision, Release
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial, payloads
from tests.world import World


def client() -> mlflow.MlflowClient:
    return mlflow.MlflowClient(settings().mlflow_tracking_uri, settings().mlflow_tracking_uri)


def test_a_deleted_experiment_stops_a_run_before_anything_is_decided(settled: World, perennial: Perennial) -> None:
    settled.month("2024-03")
    experiment = open_workspace(settings()).registry.experiment("shop")
    client().delete_experiment(experiment)
    shown = perennial("run", "shop")
    assert shown.code == 1
    assert "the experiment 'shop'" in shown.err and "was deleted in MLflow" in shown.err
    assert f"mlflow experiments restore --experiment-id {experiment}" in shown.err
    assert "Live: version 1 of shop, as release 1." in shown.err
    assert "released" not in shown.err
    assert (len(payloads(Decision)), len(payloads(Release))) == (1, 1), "nothing was decided"

    shown = perennial("doctor", "shop")
    assert shown.code == 1 and f"mlflow experiments restore --experiment-id {experiment}" in shown.out

    client().restore_experiment(experiment)
    assert perennial("run", "shop").code == 0
    assert perennial("doctor", "shop").code == 0
    assert (len(payloads(Decision)), len(payloads(ChallengerEntry))) == (2, 3)


def test_a_renamed_experiment_is_named_before_runs_are_recorded_apart(settled: World, perennial: Perennial) -> None:
    settled.month("2024-03")
    experiment = open_workspace(settings()).registry.experiment("shop")
    client().rename_experiment(experiment, "shop of last year")
    shown = perennial("doctor", "shop", "--dry-run")
    assert (
        shown.code == 1 and "the experiment 'shop'" in shown.out and "was renamed to 'shop of last year'" in shown.out
    )
    back = f"mlflow experiments rename --experiment-id {experiment} --new-name shop"
    assert back in shown.out
    shown = perennial("run", "shop")
    assert shown.code == 1 and back in shown.err and "Live: version 1 of shop, as release 1." in shown.err
    assert client().get_experiment_by_name("shop") is None, "no second one was made"
    assert len(payloads(Decision)) == 1, "nothing was decided"

    client().rename_experiment(experiment, "shop")
    assert perennial("run", "shop").code == 0
    assert perennial("doctor", "shop").code == 0


def test_the_doctor_makes_no_experiment_where_nothing_was_trained(world: World, perennial: Perennial) -> None:
    shown = perennial("doctor", "shop")
    assert (shown.code, shown.out) == (0, "shop: ledger, tables and registry agree.\n")
    assert client().get_experiment_by_name("shop") is None


def test_a_deleted_champion_is_named_with_the_way_back_and_replay_goes_on(settled: World, perennial: Perennial) -> None:
    settled.month("2024-03", flipped=True)
    settled.month("2024-04", flipped=True)
    assert perennial("run", "shop").code in (0, 3)
    assert perennial("run", "shop").code in (0, 3)
    live = json.loads(perennial("status", "shop", "--json").out)["champion"]["version"]
    assert live > 1, "the story needs a second release"
    client().delete_model_version("shop", str(live))
    shown = perennial("doctor", "shop")
    assert shown.code == 1
    assert f"version {live} of 'shop' was deleted in MLflow" in shown.out
    assert "`perennial rollback shop --reason TEXT`" in shown.out and "when it answers" not in shown.out

    shown = perennial("replay", "shop", "--deep")
    assert shown.code == 1
    assert (
        shown.out.count("CANNOT BE COMPARED: its models cannot be read") >= 1
        and shown.out.count("to the last bit") >= 1
    )
    assert len([line for line in shown.out.splitlines() if not line.startswith(" ")]) == len(payloads(Decision))

    shown = perennial("rollback", "shop", "--reason", "version was deleted")
    assert shown.code == 0, shown.err
    assert perennial("doctor", "shop").code == 0
    assert open_workspace(settings()).registry.champion("shop") == 1


def test_a_deleted_run_costs_only_the_note_in_mlflow(
    settled: World, perennial: Perennial, caplog: pytest.LogCaptureFixture
) -> None:
    settled.month("2024-03")
    waiting = payloads(ChallengerEntry)[-1]
    assert isinstance(waiting, ChallengerEntry)
    client().delete_run(waiting.model.run_id)
    shown = perennial("doctor", "shop")
    assert shown.code == 1
    assert f"MLflow run {waiting.model.run_id} of version {waiting.model.version} was deleted" in shown.out
    assert f"mlflow runs restore --run-id {waiting.model.run_id}" in shown.out
    assert perennial("run", "shop").code == 0
    assert len(payloads(Decision)) == 2
    assert any("is not noted in MLflow" in line and waiting.model.run_id in line for line in caplog.messages)
    client().restore_run(waiting.model.run_id)
    assert perennial("doctor", "shop").code == 0


def test_a_run_that_is_gone_for_good_cannot_be_restored_there(settled: World, perennial: Perennial) -> None:
    serving = payloads(ChallengerEntry)[0]
    assert isinstance(serving, ChallengerEntry)
    client().delete_run(serving.model.run_id)
    store = SqlAlchemyStore(settings().mlflow_tracking_uri, "perennial:/default")
    store._hard_delete_run(serving.model.run_id)  # as `mlflow gc` does
    shown = perennial("doctor", "shop", "--json")
    (gone,) = json.loads(shown.out)  # the model itself still loads
    assert shown.code == 1 and serving.model.run_id in gone["what"]
    assert "restore MLflow's database from a backup" in gone["fix"]
