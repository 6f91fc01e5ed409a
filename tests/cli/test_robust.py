"""Homes that are damaged, may only be read, or lie in an odd place: a message that is true, never a stack trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from perennial.errors import LedgerBroken, TransientError
from perennial.ledger.ledger import Ledger
from perennial.model.environment import code_version
from perennial.settings import prepare_home, settings
from tests.cli.conftest import Perennial
from tests.world import World

pytestmark = pytest.mark.timeout(240)


def test_a_damaged_ledger_is_named_by_every_command(settled: World, perennial: Perennial) -> None:
    ledger = settings().home / "ledger.db"
    data = ledger.read_bytes()
    for damaged in (b"not a database at all" * 300, data[: len(data) // 3] + os.urandom(len(data) * 2 // 3)):
        ledger.write_bytes(damaged)
        for command in (("status",), ("batches", "shop"), ("ledger", "verify"), ("run", "shop"), ("doctor", "shop")):
            shown = perennial(*command, "--json")
            assert shown.code == 1, command
            error = json.loads(shown.out)["error"]
            assert error["code"] in ("ledger-damaged", "ledger-broken"), shown.err
            assert "backup" in shown.err and "Traceback" not in shown.err


def test_what_the_checks_found_may_be_lost(settled: World, perennial: Perennial) -> None:
    text = (settled.usecases / "shop" / "2024-02.csv").read_text()
    (settled.usecases / "shop" / "2024-03.csv").write_text(text.replace("2024-02", "2024-03"))
    assert perennial("ingest", "shop").code == 0
    shutil.rmtree(settings().home / "validations")
    shown = perennial("waive", "shop", "--batch", "2024-03", "--by", "Ada", "--reason", "known")
    assert shown.code == 1 and "the check results of batch" in shown.err and "are missing" in shown.err


def test_a_connection_that_is_lost_while_reading_is_transient(world: World) -> None:
    from sqlalchemy import text

    prepare_home(settings())
    ledger = Ledger(settings().database_url)
    with pytest.raises(TransientError, match="does not answer"), ledger._reading() as connection:
        connection.execute(text("SELECT * FROM gone_meanwhile"))


def test_a_ledger_of_other_bytes_is_no_ledger(world: World) -> None:
    prepare_home(settings())
    (settings().home / "ledger.db").write_bytes(b"x" * 5000)
    with pytest.raises(LedgerBroken, match="is damaged"):
        Ledger(settings().database_url)


def test_the_version_is_known_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*_: object, **__: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    code_version.cache_clear()
    assert code_version().count("+") == 0
    code_version.cache_clear()


def test_a_relative_database_is_one_place_wherever_a_process_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = settings({"PERENNIAL_DATABASE_URL": "sqlite:///l.db", "MLFLOW_TRACKING_URI": "sqlite:///sub/m.db?x=1"})
    assert found.database_url == f"sqlite:///{tmp_path}/l.db"
    assert found.mlflow_tracking_uri == f"sqlite:///{tmp_path}/sub/m.db?x=1"
    kept = "postgresql+psycopg://u:p@host/db"
    assert settings({"PERENNIAL_DATABASE_URL": kept}).database_url == kept


def test_all_of_a_home_has_the_same_rights(world: World) -> None:
    prepare_home(settings())
    home = settings().home
    (home / "other").write_text("x")
    assert (home / "home.json").stat().st_mode == (home / "other").stat().st_mode
    assert [path.name for path in home.iterdir() if "home.json" in path.name] == ["home.json"]
