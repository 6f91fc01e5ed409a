"""`check`, `fleet` and the schedules of a template, without a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perennial.ledger.ledger import Ledger
from perennial.processes.deployer import digest_of
from perennial.processes.deployments import plan_of
from perennial.settings import settings
from tests.alerting.test_outbox import episode
from tests.cli.conftest import command
from tests.fleet.stores import month_of_store, write_template


@pytest.fixture
def folder(home: Path, tmp_path: Path) -> Path:
    """Two stores with a month of rows each, of which nothing was run."""
    folder = tmp_path / "usecases"
    for store in ("a", "b"):
        month_of_store(folder, store, "2024-01")
    write_template(folder, ["a", "b"])
    return folder


def test_check_of_a_template_reports_what_is_new_and_what_is_no_longer_declared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(settings().database_url)
    ledger.append("sales_gone", episode("level"))
    assert command("check", "sales") == 0
    shown = capsys.readouterr().out
    assert "A template of 2 use cases: sales_a, sales_b." in shown
    assert "80 rows of batch 2024-01 of sales_a, the first member" in shown
    assert "New, without any history: sales_a, sales_b." in shown
    assert "No longer declared; their history is kept: sales_gone." in shown
    write_template(folder, ["a", "b", "c"])
    assert command("check", "sales") == 2
    assert "1 of 3 members: sales_c" in capsys.readouterr().err


def test_the_table_and_the_plan_of_members_without_history(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("fleet", "run", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["would_run"] == [
        {"batch": "2024-01", "usecases": ["sales_a", "sales_b"]}
    ]
    assert command("fleet") == 0
    shown = capsys.readouterr().out
    assert "sales_a" in shown and "2 use cases: 2 new" in shown
    assert not (settings().home / "tables").exists()


def test_a_template_has_one_schedule_and_its_list_counts_as_part_of_it(folder: Path) -> None:
    (folder / "stores.csv").write_text("store\na\n")
    schedule = {"schedule": "0 6 2 * *", "timezone": "UTC"}
    write_template(folder, ["a"], triggers=schedule, for_each={"store": "stores.csv"})
    plan = plan_of(folder)
    assert plan.schedules == {}
    assert plan.fleets["sales"]["parameters"] == {"template": "sales", "trigger": {"kind": "schedule"}}
    before = digest_of(folder)
    (folder / "stores.csv").write_text("store\na\nb\n")
    assert digest_of(folder) != before
