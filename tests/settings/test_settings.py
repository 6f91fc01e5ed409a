"""Settings come from the environment, name what is wrong with it, and never touch a newer home."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.errors import InputError
from perennial.settings import HOME_FORMAT, prepare_home, settings
from perennial.work_pools import WorkPool


def test_everything_lies_below_the_home_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = settings({})
    home = tmp_path / ".perennial"
    assert found.home == home
    assert found.database_url == f"sqlite:///{home}/ledger.db"
    assert found.tables_uri == str(home / "tables")
    assert found.files_uri == str(home)
    assert found.mlflow_tracking_uri == f"sqlite:///{home}/mlflow/mlflow.db"
    assert found.mlflow_artifacts == str(home / "mlflow" / "artifacts")
    assert found.prefect_api_url is None
    assert found.threads == 1
    assert {p.parent for p in (found.docs, found.locks, found.prefect_home)} == {home}
    assert not home.exists()


def test_the_environment_is_read_at_each_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "one"))
    assert settings().home == tmp_path / "one"
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "two"))
    assert settings().home == tmp_path / "two"


def test_the_settings_of_the_environment_are_used(tmp_path: Path) -> None:
    found = settings(
        {
            "PERENNIAL_DATABASE_URL": "postgresql+psycopg://me:secret@db/ledger",
            "PERENNIAL_TABLES_URI": "s3://bucket/tables",
            "PERENNIAL_USECASES": str(tmp_path),
            "MLFLOW_TRACKING_URI": "http://mlflow.example:5000",
            "PREFECT_API_URL": "http://prefect.example:4200/api/",
            "PERENNIAL_THREADS": "4",
            "PERENNIAL_MEMORY": "1.5gib",
            "PERENNIAL_ENGINE": "dask",
            "PERENNIAL_DASK_SCHEDULER": "tcp://dask.example:8786/",
            "PERENNIAL_ROWS_IN_MEMORY": "1",
            "PERENNIAL_POOLS": "big=trainers, huge=gpu.trainers",
        }
    )
    assert found.database_url == "postgresql+psycopg://me:secret@db/ledger"
    assert found.tables_uri == "s3://bucket/tables"
    assert found.usecases == tmp_path
    assert found.mlflow_tracking_uri == "http://mlflow.example:5000"
    assert found.mlflow_artifacts is None
    assert found.prefect_api_url == "http://prefect.example:4200/api"
    assert found.threads == 4
    assert found.dask_scheduler == "tcp://dask.example:8786"
    assert found.memory == 3 * 2**29
    assert (found.rows_in_memory, settings({}).rows_in_memory) == (1, 2_000_000)
    assert found.pools == (WorkPool("big", "trainers"), WorkPool("huge", "gpu.trainers"))


def test_the_address_of_a_scheduler_with_tls_is_accepted() -> None:
    given = {"PERENNIAL_ENGINE": "dask", "PERENNIAL_DASK_SCHEDULER": "tls://dask.example:8786"}
    assert settings(given).dask_scheduler == "tls://dask.example:8786"


def test_use_cases_are_looked_for_here_and_then_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings({}).usecases == Path(__file__).resolve().parents[2] / "usecases"
    (tmp_path / "usecases").mkdir()
    assert settings({}).usecases == tmp_path / "usecases"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PERENNIAL_THREADS", "many", "'many' is not a whole number of at least 1"),
        ("PERENNIAL_THREADS", "0", "'0' is not a whole number of at least 1"),
        ("PERENNIAL_MEMORY", "much", "'much' is not an amount of memory"),
        ("PERENNIAL_MEMORY", "4", "'4' is not an amount of memory"),
        ("PERENNIAL_MEMORY", "1MiB", "1MiB is too little"),
        ("PERENNIAL_MEMORY", "9999TiB", "9999TiB is more than this machine or its container has"),
        ("PERENNIAL_ROWS_IN_MEMORY", "2e6", "'2e6' is not a whole number of rows"),
        ("PERENNIAL_ENGINE", "spark", "'spark' is neither local nor dask"),
        ("PERENNIAL_ENGINE", "dask", "'dask' needs PERENNIAL_DASK_SCHEDULER, which is not set"),
        ("PERENNIAL_ROWS_IN_MEMORY", "0", "'0' is not a whole number of rows of at least 1"),
        ("PERENNIAL_POOLS", "trainers", "'trainers' is not a size with its work pool"),
        ("PERENNIAL_POOLS", "big=a,big=b", "'big=b' names a size twice"),
        ("PERENNIAL_DATABASE_URL", "ledger.db", "'ledger.db' does not start with sqlite:// or postgresql://"),
        ("PERENNIAL_DATABASE_URL", "mysql://me:secret@db/ledger", "'mysql://***@db/ledger' does not start with"),
        ("PREFECT_API_URL", "localhost:4200", "'localhost:4200' does not start with http:// or https://"),
        ("PERENNIAL_USECASES", "/nowhere/at/all", "/nowhere/at/all is not a folder"),
        ("PERENNIAL_HOME", __file__, "test_settings.py is a file"),
        ("PERENNIAL_FILES_URI", __file__, "test_settings.py is a file"),
        ("PERENNIAL_TABLES_URI", __file__, "test_settings.py is a file"),
        ("PERENNIAL_HOME", "what?", "has a '?' in it"),
        ("PERENNIAL_NAMESPACE", "team/a", "'team/a' is not a valid name"),
    ],
)
def test_a_wrong_value_is_reported_with_variable_value_and_fix(name: str, value: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        settings({name: value})
    first, *fix = str(caught.value).splitlines()
    assert first.startswith(f"{name}: ")
    assert message in first
    assert fix


def test_a_home_is_prepared_and_prepared_again(tmp_path: Path) -> None:
    here = settings({"PERENNIAL_HOME": str(tmp_path / "deep" / "home")})
    assert prepare_home(here) == here.home
    before = (here.home / "home.json").read_text()
    assert json.loads(before)["format"] == HOME_FORMAT
    assert all(folder.is_dir() for folder in (here.docs, here.locks, here.prefect_home))
    prepare_home(here)
    assert (here.home / "home.json").read_text() == before


@pytest.mark.parametrize(
    ("format_", "message"),
    [
        (HOME_FORMAT + 1, rf"a newer Perennial \(format {HOME_FORMAT + 1}\); this version reads format {HOME_FORMAT}"),
        (
            HOME_FORMAT - 1,
            rf"an earlier Perennial \(format {HOME_FORMAT - 1}\); this version reads format {HOME_FORMAT}",
        ),
    ],
)
def test_a_home_of_another_format_is_refused_untouched(tmp_path: Path, format_: int, message: str) -> None:
    (tmp_path / "home.json").write_text(json.dumps({"format": format_}))
    with pytest.raises(InputError, match=rf"PERENNIAL_HOME: .*{message}(?s:.*)Nothing was changed.*start a new home"):
        prepare_home(settings({"PERENNIAL_HOME": str(tmp_path)}))
    assert [path.name for path in tmp_path.iterdir()] == ["home.json"]


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_modes_are_those_of_the_umask(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    script = (
        "from perennial.settings import settings; from perennial.store.workspace import open_workspace; "
        "here = open_workspace(settings()); here.ledger; here.landing.keep('a', b'x', '.csv')"
    )
    variables = os.environ | {"PERENNIAL_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", f"import os; os.umask({mask}); {script}"], env=variables, check=True)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "home").rglob("*")}
    assert {path.name for path in modes} >= {"home.json", "ledger.db", "landing"}
    assert {mode for path, mode in modes.items() if path.is_file()} == {file}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {folder}


def test_a_relative_sqlite_file_is_looked_for_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = settings({"PERENNIAL_DATABASE_URL": "sqlite:///l.db", "MLFLOW_TRACKING_URI": "sqlite:///m/mlflow.db"})
    assert found.database_url == f"sqlite:///{tmp_path}/l.db"
    assert found.mlflow_tracking_uri == f"sqlite:///{tmp_path}/m/mlflow.db"
    assert found.mlflow_artifacts == f"{tmp_path}/m/artifacts", "beside the database, for all who use it"


def test_a_home_with_a_foreign_mark_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "home.json").write_text("[]")
    with pytest.raises(InputError, match="was not written by Perennial"):
        prepare_home(settings({"PERENNIAL_HOME": str(tmp_path)}))
    assert [path.name for path in tmp_path.iterdir()] == ["home.json"]


def test_a_home_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"PERENNIAL_HOME: .* cannot be written: Not a directory"):
        prepare_home(settings({"PERENNIAL_HOME": str(tmp_path / "file" / "home")}))
    for name in ("PERENNIAL_FILES_URI", "PERENNIAL_TABLES_URI"):
        with pytest.raises(InputError, match=rf"{name}: .* cannot be made: Not a directory"):
            prepare_home(settings({"PERENNIAL_HOME": str(tmp_path / "home"), name: str(tmp_path / "file" / "place")}))
    assert not (tmp_path / "home").exists()


def test_importing_the_settings_imports_no_library() -> None:
    heavy = "import perennial.settings, sys; print({'pydantic', 'psutil', 'prefect', 'pandas'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout == "set()\n"
