"""Passwords, tokens and keys are taken out of everything that is shown or kept."""

from __future__ import annotations

import json
import logging
import os
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import InputError, PerennialError
from perennial.secrets import holds_secret, mask_logs, masked, remember
from perennial.settings import settings
from tests.in_pipes import in_pipes
from tests.world import World

SECRET = "hunter2-Pl4nted"
WORDS = st.text(alphabet="abcXYZ0189-_.~!$*+%", min_size=4, max_size=20)
ODD = st.text(alphabet="ab@:/?#é%1", min_size=1, max_size=12)


@given(user=WORDS, password=WORDS, odd=ODD)
def test_a_password_never_shows_whatever_characters_it_has(user: str, password: str, odd: str) -> None:
    secret = f"Q{password}{odd}Q"
    for scheme in ("postgresql+psycopg", "http", "s3"):
        shown = masked(f"could not open '{scheme}://{user}:{secret}@db.example:5432/ledger': refused")
        assert secret not in shown and password not in shown.replace("***", "")
        assert "db.example:5432/ledger" in shown or "@" in odd


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////srv/me@team/ledger.db",
        "http://127.0.0.1:4200/api",
        "s3://bucket/tables",
        "usecases/shop.yaml:3: source.path: no such folder",
        "key=3, max_key=7",
    ],
)
def test_what_is_no_secret_is_shown_as_it_is(text: str) -> None:
    assert masked(text) == text
    assert not holds_secret(text)


@pytest.mark.parametrize(
    "variable",
    [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "PREFECT_API_KEY",
    ],
)
def test_the_value_of_a_secret_variable_is_masked_wherever_it_turns_up(variable: str) -> None:
    value = f"{variable}-{SECRET}"
    remember({variable: value})
    assert SECRET not in masked(f"the server refused {value!r}")


def test_errors_are_masked_in_text_arguments_value_and_trace() -> None:
    address = f"postgresql://me:{SECRET}@db/x"
    waiting: list[type[PerennialError]] = [PerennialError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        try:
            error = kind(f"{address} is out of reach", value=address, fix=f"correct {address}")
        except TypeError:
            continue  # made of other data, which ends in one of the others
        assert SECRET not in f"{error} {error!r} {error.args} {error.value} {error.fix}"
        assert SECRET not in "".join(traceback.format_exception(error))


def test_log_lines_and_their_traces_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    mask_logs()
    log = logging.getLogger("perennial.test")
    try:
        raise ConnectionError(f"http://me:{SECRET}@mlflow/api refused")
    except ConnectionError:
        log.exception("asking %s failed", f"http://me:{SECRET}@mlflow/api")
    assert "asking http://***@mlflow/api failed" in caplog.text
    assert "ConnectionError" in caplog.text and SECRET not in caplog.text


@pytest.mark.parametrize("name", ["PERENNIAL_TABLES_URI", "PERENNIAL_FILES_URI", "PERENNIAL_MLFLOW_ARTIFACTS"])
@pytest.mark.parametrize("address", [f"s3://AKIA:{SECRET}@bucket/x", f"https://store/x?sig={SECRET}"])
def test_an_address_that_is_kept_with_models_may_not_hold_credentials(tmp_path: Path, name: str, address: str) -> None:
    with pytest.raises(InputError, match=f"{name}: .* contains credentials") as caught:
        settings({"PERENNIAL_HOME": str(tmp_path), name: address})
    assert SECRET not in str(caught.value)


PLANTED: dict[str, dict[str, str]] = {
    "PERENNIAL_DATABASE_URL": {"PERENNIAL_DATABASE_URL": f"postgresql+psycopg://me:p@{SECRET}@127.0.0.1:1/x"},
    "a wrong database": {"PERENNIAL_DATABASE_URL": f"mysql://me:{SECRET}@db/x"},
    "MLFLOW_TRACKING_URI": {"MLFLOW_TRACKING_URI": f"http://me:{SECRET}@127.0.0.1:1"},
    "PREFECT_API_URL": {"PREFECT_API_URL": f"http://me:{SECRET}@127.0.0.1:1/api"},
    "PERENNIAL_TABLES_URI": {"PERENNIAL_TABLES_URI": f"s3://key:{SECRET}@bucket/x"},
    "PERENNIAL_MLFLOW_ARTIFACTS": {"PERENNIAL_MLFLOW_ARTIFACTS": f"https://store/x?sig={SECRET}"},
    "MLflow's": {
        "MLFLOW_TRACKING_TOKEN": SECRET,
        "MLFLOW_TRACKING_PASSWORD": f"{SECRET}2",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
    },
}


@pytest.mark.parametrize("name", PLANTED)
def test_no_command_shows_or_keeps_a_planted_secret(world: World, home: Path, name: str) -> None:
    world.month("2024-01")
    command = "ingest" if name == "PREFECT_API_URL" else "doctor"
    done = in_pipes(
        *(command, "shop", "--json"),
        environment=os.environ | {"PERENNIAL_HOME": str(home), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", **PLANTED[name]},
        folder=home.parent,
    )
    assert done.code in (1, 2)
    assert json.loads(done.out)["error"]["message"]
    assert SECRET not in done.out + done.err
    kept: list[Any] = [path for path in home.parent.rglob("*") if path.is_file()]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []
