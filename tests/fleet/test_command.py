"""`check`, `fleet` and the schedules of a template, without a run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from perennial.cli import tables
from perennial.fleet.broken import with_broken
from perennial.fleet.standing import standings
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import RunFailed
from perennial.ledger.ledger import Ledger
from perennial.page.fleet import PAGE, render_fleet
from perennial.processes.deployer import digest_of
from perennial.processes.deployments import plan_of
from perennial.settings import settings
from perennial.usecase.drafting.release import left_out
from perennial.usecase.reading import Labels, list_use_cases, load_use_case
from tasks.fleet import Alone, finish_fleet, plan_fleet
from tasks.labels import take_labels
from tasks.page import renew_pages
from tasks.step import as_fleet
from tests.alerting.test_outbox import episode
from tests.cli.conftest import command
from tests.fleet.stores import TEMPLATE, month_of_store, write_template
from tests.ledger.payloads import batch, one_of_each


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
    for note in left_out(load_use_case("sales_a", folder).declaration.release):
        assert f"  left out: {note}\n" in shown
    write_template(folder, ["a", "b"], members={"b": {"release": {"serve": "single"}}})
    assert command("check", "sales", "--no-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == [
        "release.serve: single (init writes mixture) (1 of 2 members: sales_a)",
        "release.judge: next_batch (init writes {newest: 15d})",
    ]
    write_template(folder, ["a", "b", "c"])
    assert command("check", "sales") == 2
    assert "1 of 3 members: sales_c" in capsys.readouterr().err


def test_check_names_the_member_whose_batch_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data" / "b" / "2024-01.csv").write_bytes(b"\x00\xff not a table")
    assert command("check", "sales") == 2
    assert "(1 of 2 members: sales_b)" in capsys.readouterr().err


def test_check_compares_the_columns_of_every_member_with_its_data(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, lacks in (("b", "price"), ("c", "price"), ("d", "kind")):
        file = month_of_store(folder, name, "2024-01")
        pd.read_csv(file).drop(columns=lacks).to_csv(file, index=False)
    write_template(folder, ["a", "b", "c", "d"])
    assert command("check", "sales") == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "no column 'price' (2 of 4 members: sales_b, sales_c)" in shown
    assert "no column 'kind' (1 of 4 members: sales_d)" in shown
    assert command("check", "sales", "--no-run") == 0, "which leaves the data alone"
    monkeypatch.setattr("perennial.fleet.checked.LOOKED_AT", 1)
    assert command("check", "sales") == 0
    assert "the data of the first 1 of 4 members was looked at" in " ".join(capsys.readouterr().out.split())


def test_the_record_of_a_removed_member_can_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record_declaration(Ledger(settings().database_url), load_use_case("sales_b", folder))
    write_template(folder, ["a"])
    for reading in ("status", "batches", "decisions"):
        assert command(reading, "sales_b") == 0, reading
    assert "sales_b is no longer declared. This is its record." in capsys.readouterr().err
    assert command("batches", "sales_c") == 2


def test_members_share_files_and_rows_of_none_are_reported(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    months = [pd.read_csv(month_of_store(folder, name, "2024-01")).assign(store=name) for name in ("a", "b", "c")]
    (folder / "all").mkdir()
    pd.concat(months).to_csv(folder / "all" / "sales.csv", index=False)
    shared = {"kind": "files", "path": "all", "batch": "month", "only": {"store": "{store}"}}
    write_template(folder, ["a", "b"], source=shared)
    assert command("check", "sales") == 0
    nobody = "80 rows of 2024-01 in all belong to no use case: store 'c'"
    assert nobody in " ".join(capsys.readouterr().out.split())
    plan = plan_fleet.fn("sales", ())
    assert plan.rounds == (("2024-01", ("sales_a", "sales_b")),)
    assert nobody in caplog.text
    months.append(pd.read_csv(month_of_store(folder, "c", "2024-02")).assign(store="c"))
    pd.concat(months).to_csv(folder / "all" / "sales.csv", index=False)
    caplog.clear()
    plan_fleet.fn("sales", ())
    assert caplog.messages == ["160 rows of 2 batches, 2024-01 to 2024-02, in all belong to no use case: store 'c'"]
    write_template(folder, ["a", "b", "c", "d"], source=shared)
    caplog.clear()
    plan = plan_fleet.fn("sales", ())
    assert (plan.rounds[0], plan.idle) == (("2024-01", ("sales_a", "sales_b", "sales_c")), ("sales_d",))
    assert caplog.text == ""


def test_the_table_and_the_plan_of_members_without_history(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("fleet", "run", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["would_run"] == [
        {"batch": "2024-01", "usecases": ["sales_a", "sales_b"]}
    ]
    assert command("fleet") == 0
    shown = capsys.readouterr().out
    assert "sales_a" in shown and "2 use cases: 2 new" in shown
    assert not (settings().home / "tables").exists()


def test_a_run_reports_label_files_that_it_took_in_and_those_that_are_held(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    schema = {name: value for name, value in TEMPLATE["schema"].items() if name != "label_known_after"}
    labels = {"path": "labels/{store}", "known_at": "known"}
    write_template(folder, ["a", "b"], schema=schema, labels=labels, clock="wall")
    for store, header in (("a", "id,sold,known"), ("b", "id,sold,when")):
        file = folder / "labels" / store / "2024-01.csv"
        file.parent.mkdir(parents=True)
        file.write_text(f"{header}\n2024-01-1,3.5,2024-01-20\n")
    for taken in ({"sales_a": 1}, {}):  # the second run takes in nothing, and the file is still held
        alone = Alone(plan_fleet.fn("sales", ()))
        with as_fleet():
            alone.of_each(alone.usecases, "", "take in", take_labels)
        caplog.clear()
        with caplog.at_level("INFO", logger="perennial.story"):
            done = finish_fleet(alone)
        assert (done.labels, done.held_labels) == (taken, {"sales_b": ("2024-01",)})
        told = ["1 label file was taken in: sales_a"] if taken else []
        assert caplog.messages == [*told, "1 label file is held: sales_b"]


def test_a_template_that_cannot_be_read_is_a_mistake_of_the_person_and_no_failure_of_its_members(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_template(folder, ["a", "b"], model={"estimator": "sklearn.linear_model.Rigde"})
    assert command("fleet", "run", "sales") == 2
    shown = capsys.readouterr().err
    assert shown.count("no 'Rigde' in sklearn.linear_model") == 1 and "sales.yaml:" in shown
    assert not (settings().home / "ledger.db").exists()


def test_a_broken_declaration_is_shown_before_any_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_template(
        folder, ["a", "b", "c"], members={"c": {"model": {"estimator": "sklearn.linear_model.Rigde"}, "clock": "sun"}}
    )
    (folder / "alone.yaml").write_text("name: alone\nsource: {kind: files, path: [}\n")
    names = list_use_cases(folder)
    assert command("fleet", "--json") == 0
    shown = json.loads(capsys.readouterr().out)["usecases"]
    assert [(each["usecase"], each["state"]) for each in shown] == [
        ("alone", "broken"),
        ("sales_c", "broken"),
        ("sales_a", "new"),
        ("sales_b", "new"),
    ]
    assert "alone.yaml:2: not YAML" in shown[0]["why"]
    assert "sales.yaml:" in shown[1]["why"] and shown[1]["why"].endswith("; and 1 more mistake")
    assert command("fleet") == 0
    table = capsys.readouterr().out
    assert "4 use cases: 2 broken, 2 new" in table and "`perennial check alone` shows every mistake" in table
    renew_pages.fn([])  # at the end of a run, also if it went through none
    page = (settings().pages / PAGE).read_text()
    assert "not YAML" in page and "perennial check sales_c" in page
    write_template(folder, ["a", "b", "c"])
    (folder / "alone.yaml").unlink()
    repaired = with_broken(
        standings(Ledger(settings().database_url), [each for each in names if each != "alone"]), folder
    )
    assert {each.state for each in repaired} == {"new"}


def test_mistakes_that_members_share_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_template(folder, ["a", "b"], model={"estimator": "sklearn.linear_model.Rigde"})
    assert command("fleet", "--json") == 0
    (cause,) = json.loads(capsys.readouterr().out)["causes"]
    assert cause["what"].startswith("declaration: ") and "no 'Rigde'" in cause["what"]
    assert (cause["batch"], cause["usecases"]) == (None, ["sales_a", "sales_b"])


def test_a_use_case_that_has_a_model_is_shown_by_its_last_run(folder: Path) -> None:
    ledger = Ledger(settings().database_url)
    ledger.append("sales_a", one_of_each()["release"])
    write_template(folder, ["a", "b"], model={"estimator": "sklearn.linear_model.Rigde"})
    listed = with_broken(standings(ledger, ["sales_a", "sales_b"]), folder)
    assert {each.usecase: each.state for each in listed} == {"sales_a": "unknown", "sales_b": "broken"}


def test_a_dry_run_ends_as_the_run_would(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_template(folder, ["a", "b", "gone"])
    assert command("fleet", "run", "--dry-run") == 1
    shown = capsys.readouterr().out
    assert "2024-01: would run the cycle of 2 use cases" in shown and "sales_gone: source.path: there is no" in shown
    assert command("fleet", "run", "--dry-run", "--json") == 1
    assert [each["step"] for each in json.loads(capsys.readouterr().out)["failed"]] == ["look for batches"]
    write_template(folder, ["a", "b"], model={"estimator": "sklearn.linear_model.Rigde"})
    assert command("fleet", "run", "--dry-run") == 2
    assert "no 'Rigde' in sklearn.linear_model" in capsys.readouterr().err


def test_a_mistake_of_a_source_names_its_field_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_template(folder, ["a", "gone"])
    assert command("check", "sales") == 2
    assert capsys.readouterr().err.count("source.path: ") == 1


def test_the_table_fits_a_terminal_although_a_path_is_longer(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = "/data/stores/of/the/north/and/of/the/south/and/everything/between"
    why = f"source.path: no .csv and no .parquet file in {data}"
    row = RunFailed(number=1, window="", step="look for batches", code="source-empty", why=why)
    Ledger(settings().database_url).append("sales_b", row)
    monkeypatch.setattr(tables, "is_terminal", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert command("fleet") == 0
    shown = capsys.readouterr().out
    assert "\033[31mfailed\033[0m" in shown
    lines = re.sub(r"\033\[\d+m", "", shown).splitlines()
    assert max(map(len, lines)) <= 80
    assert data in "".join(line.strip() for line in lines)


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


def test_the_table_and_the_page_name_a_batch_that_is_still_held_and_what_helps(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(settings().database_url)
    ledger.append("sales_a", batch("2024-01", status="held", held_because=("too few rows",)))
    ledger.append("sales_a", batch("2024-02"))
    assert command("fleet") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "batch 2024-01: too few rows" in shown and "`perennial quarantine sales_a`" in shown
    listed = standings(ledger, ["sales_a", "sales_b"])
    page = render_fleet(listed, {each.usecase: Labels() for each in listed})
    assert "batch 2024-01: too few rows" in page and page.count("<code>perennial quarantine sales_a</code>") == 1
