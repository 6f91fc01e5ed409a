"""MLflow on SQLite as the registry: names, places that move, and each state that it can be in."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.utils.validation import _validate_metric, _validate_param
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from perennial.errors import (
    ExperimentDeleted,
    ModelDeleted,
    ModelUnloadable,
    PerennialError,
    RegistryDamaged,
    RegistryDown,
    RegistryRefused,
    RegistryStranger,
    RunDeleted,
    TerminalError,
    TransientError,
)
from perennial.ledger.entries import ModelRef
from perennial.model.artifact import digest_model
from perennial.store.registry import LearnedFrom, Registry, Training
from perennial.store.registry.names import key

INPUTS = pd.DataFrame({"price": [1.0, 2.0, 3.0], "weight": [3.0, 1.0, 2.0]})


def training(challenger: str, folder: Path) -> Training:
    """A fit of three rows."""
    extra = folder / "model.json"
    extra.write_text("{}")
    pipeline = Pipeline([("estimator", LinearRegression().fit(INPUTS, [1.0, 2.0, 3.0]))])
    return Training(
        challenger=challenger,
        pipeline=pipeline,
        files=[extra],
        trusted=(),
        inputs=INPUTS,
        predictions=pipeline.predict(INPUTS),
        params={"param.max_iter": 15, "größe [m²]": 1},
        metrics={"in_sample": 0.5, "mean:plan (type)": 0.25},
        tags={"perennial.snapshot": "s1"},
        learned_from=LearnedFrom("s1", "shop/accepted", "d" * 64, 3),
        requirements=["scikit-learn"],
        digest=digest_model,
        trials=(),
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry in it, `mlflow`, that has two versions of the shop's model; 1 is the champion."""
    folder = tmp_path_factory.mktemp("registry")
    made = registry(folder)
    first = made.register("shop", training("c1", folder))
    made.register("shop", training("c2", folder))
    made.point_champion("shop", first)
    return folder


@pytest.fixture
def place(template: Path, tmp_path: Path) -> Path:
    """A copy of that folder, elsewhere."""
    shutil.copytree(template / "mlflow", tmp_path / "mlflow")
    return tmp_path


def registry(folder: Path, namespace: str = "") -> Registry:
    return Registry(f"sqlite:///{folder}/mlflow/mlflow.db", f"{folder}/mlflow/artifacts", namespace)


def client(folder: Path) -> MlflowClient:
    uri = f"sqlite:///{folder}/mlflow/mlflow.db"
    return MlflowClient(uri, uri)


def first(folder: Path) -> ModelRef:
    found = registry(folder).find("shop", "c1")
    assert found is not None
    return found


def texts_of(database: Path) -> list[str]:
    """Every text of a SQLite database."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            str(value) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"') for value in row
        ]


def test_nothing_that_mlflow_keeps_names_a_place(template: Path) -> None:
    kept = texts_of(template / "mlflow" / "mlflow.db")
    for path in (template / "mlflow" / "artifacts").rglob("*"):
        kept += [path.read_text(errors="replace")] if path.is_file() else []
    here = (str(template), str(Path.cwd() / "mlruns"), "file://")
    assert [text for text in kept if any(place in text for place in here)] == []
    assert any(text.startswith("perennial:/shop/") for text in kept)


def test_of_the_data_mlflow_keeps_names_types_and_counts_alone(template: Path) -> None:
    assert list((template / "mlflow").rglob("*input_example*")) == []
    inputs = client(template).get_run(first(template).run_id).inputs
    assert inputs is not None
    data = inputs.dataset_inputs[0].dataset
    assert json.loads(str(data.profile)) == {"num_rows": 3}
    assert [column["name"] for column in json.loads(str(data.schema))["mlflow_colspec"]] == ["price", "weight"]
    assert json.loads(str(data.source)) == {"table": "shop/accepted", "snapshot": "s1"}


def test_mlflow_itself_finds_the_files_of_a_home_wherever_it_lies(place: Path) -> None:
    listed = "import mlflow, sys; print([f.path for f in mlflow.artifacts.list_artifacts('models:/shop/1')])"
    variables = os.environ | {"MLFLOW_TRACKING_URI": registry(place).tracking_uri}
    done = subprocess.run([sys.executable, "-c", listed], env=variables, capture_output=True, text=True, check=True)
    assert "model.skops" in done.stdout


def test_a_copy_works_elsewhere_and_leaves_the_original_alone(template: Path, place: Path) -> None:
    before = {path: path.read_bytes() for path in template.rglob("*") if path.is_file()}
    copied = registry(place)
    model = first(place)
    assert copied.folder("shop", model).is_relative_to(place)
    assert digest_model(copied.folder("shop", model)) == model.digest
    made = copied.register("shop", training("c3", place))
    assert made.version == 3 and copied.folder("shop", made).is_relative_to(place)
    copied.record_decision("shop", made, "release", "better", {"decision_log_loss": 0.5})
    assert {path: path.read_bytes() for path in template.rglob("*") if path.is_file()} == before


def test_an_address_that_leads_out_of_the_folder_is_refused(place: Path) -> None:
    with closing(sqlite3.connect(place / "mlflow" / "mlflow.db")) as database, database:
        database.execute("UPDATE model_versions SET storage_location = 'perennial:/../../secret'")
    with pytest.raises(ModelUnloadable, match="is outside the folder"):
        registry(place).folder("shop", first(place))


def test_names_that_mlflow_refuses_are_recorded_otherwise(template: Path) -> None:
    run = client(template).get_run(first(template).run_id)
    assert run.data.metrics[key("mean:plan (type)")] == 0.25
    assert run.data.params[key("größe [m²]")] == "1"
    assert run.data.metrics["in_sample"] == 0.5, "others keep their name"


@given(st.sets(st.text(min_size=1), max_size=8))
def test_every_name_becomes_one_that_mlflow_takes_and_no_two_the_same(names: set[str]) -> None:
    keys = {key(name) for name in names} | {key(key(name)) for name in names if key(name) != name}
    for made in keys:
        _validate_metric(made, 1.0, 0, 0)
        _validate_param(made, "1")
    assert len({key(name) for name in names}) == len(names)


def test_registering_and_loading_a_version_read_no_earlier_one(place: Path) -> None:
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion
    from sqlalchemy import event

    here, read = registry(place), set[int]()

    def note(version: SqlModelVersion, _: object) -> None:
        read.add(int(str(version.version)))

    event.listen(SqlModelVersion, "load", note)
    try:
        third = here.register("shop", training("c3", place))
        assert not read - {third.version}
        there = here.folder("shop", third)
        read.clear()
        assert here.folder("shop", third) == there and read == {third.version}
    finally:
        event.remove(SqlModelVersion, "load", note)


def test_two_teams_on_one_mlflow_keep_their_own_alias(place: Path) -> None:
    theirs = registry(place, "team-b")
    assert theirs.champion("shop") is None
    made = theirs.register("shop", training("c1", place))
    assert made.version == 1, "another model than that of the team without a namespace"
    theirs.point_champion("shop", theirs.register("shop", training("c9", place)))
    assert (registry(place).champion("shop"), theirs.champion("shop")) == (1, 2)
    assert {model.name for model in client(place).search_registered_models()} == {"shop", "team-b.shop"}
    assert client(place).get_run(made.run_id).info.experiment_id == theirs.experiment("shop")


def test_a_deleted_experiment_is_named_with_how_to_restore_it(place: Path) -> None:
    number = registry(place).experiment("shop")
    client(place).delete_experiment(number)
    with pytest.raises(ExperimentDeleted, match=rf"'shop' \(id {number}\) was deleted(?s:.*)--experiment-id {number}"):
        registry(place).experiment("shop")
    with pytest.raises(RunDeleted, match="could not record the decision"):
        registry(place).record_decision("shop", first(place), "keep", "no better", {"gain": 0.1})
    client(place).restore_experiment(number)
    registry(place).record_decision("shop", first(place), "keep", "no better", {"gain": 0.1})


def _version(there: MlflowClient) -> None:
    there.delete_model_version("shop", "1")


def _model(there: MlflowClient) -> None:
    there.delete_registered_model("shop")


def _rename(there: MlflowClient) -> None:
    there.rename_registered_model("shop", "old-shop")


@pytest.mark.parametrize(
    ("somebody", "message"),
    [
        (_version, "version 1 of 'shop' was deleted in MLflow .*roll back if it is live"),
        (_model, "the registered model 'shop' was deleted in MLflow .*roll back if it is live"),
        (_rename, "the registered model 'shop' was renamed to 'old-shop' .*Rename it back to 'shop'"),
    ],
)
def test_a_version_that_is_gone_has_a_distinct_error(
    place: Path, somebody: Callable[[MlflowClient], None], message: str
) -> None:
    model = first(place)
    somebody(client(place))
    with pytest.raises(ModelDeleted, match=f"(?s:{message})"):
        registry(place).folder("shop", model)
    with pytest.raises(ModelDeleted, match=f"(?s:{message})"):
        registry(place).point_champion("shop", model)
    assert registry(place).champion("shop") is None


def test_missing_files_are_no_deleted_version(place: Path) -> None:
    shutil.rmtree(place / "mlflow" / "artifacts")
    with pytest.raises(ModelUnloadable, match="the files of version 1 are missing") as caught:
        registry(place).folder("shop", first(place))
    assert not isinstance(caught.value, ModelDeleted)


def test_a_damaged_database_is_reported(place: Path) -> None:
    database = place / "mlflow" / "mlflow.db"
    database.write_bytes(b"no database at all" * 1000)
    with pytest.raises(RegistryDamaged, match=r"cannot be read: file is not a database\n  Restore it"):
        registry(place).champion("shop")


def test_nothing_listening_is_worth_trying_again() -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(RegistryDown, match="did not look up the alias") as caught:
        Registry(f"http://me:s3cret@127.0.0.1:{port}", None).champion("shop")
    assert isinstance(caught.value, TransientError)
    assert "s3cret" not in str(caught.value)


@contextmanager
def answers(status: int, body: str, kind: str = "text/html") -> Iterator[str]:
    """The address of a server that gives everybody the same answer."""

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Same)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, "You are not authenticated.", RegistryRefused, "MLFLOW_TRACKING_USERNAME.*MLFLOW_TRACKING_TOKEN"),
        (403, "Permission denied", RegistryRefused, "ask its owner for access"),
        (
            200,
            "<html>Sign in to continue</html>",
            RegistryStranger,
            "does not respond like an MLflow server.*MLFLOW_TRACKING_URI",
        ),
        (
            404,
            "<html>no such page</html>",
            RegistryStranger,
            "does not respond like an MLflow server.*MLFLOW_TRACKING_URI",
        ),
        (407, "Proxy Authentication Required", RegistryDown, "through the proxy.*NO_PROXY"),
        (502, "<html>Bad gateway</html>", RegistryDown, "Run the same command again"),
    ],
)
def test_each_answer_of_a_server_has_a_distinct_error(
    status: int, body: str, kind: type[PerennialError], message: str
) -> None:
    with answers(status, body) as url, pytest.raises(kind, match=f"(?s:{message})") as caught:
        Registry(url, None).champion("shop")
    assert isinstance(caught.value, TransientError if kind is RegistryDown else TerminalError)
    assert "released" not in str(caught.value), "what was released, the registry does not know"


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(RegistryDown, match=r"through the proxy(?s:.*)NO_PROXY"):
        Registry("http://mlflow.example", None).champion("shop")
