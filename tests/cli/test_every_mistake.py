"""`check` reports mistakes of every kind at once: those of one kind hide others only where nothing can be known."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.ledger import Ledger
from perennial.settings import settings
from perennial.usecase.reading import load_use_case
from tests.cli.conftest import command
from tests.fleet.stores import month_of_store, write_template
from tests.ledger.payloads import batch
from tests.world import DECLARATION, World

NO_POOL = "compute.train: "
NO_COLUMN = "has no column 'weight'"


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Its only batch lacks a column, and there is no pool for the size of machine that it declares."""
    monkeypatch.setenv("PERENNIAL_POOLS", "big=trainers")
    world = World(home.parent / "usecases")
    world.declare(compute={"train": "huge"})
    rows = world.month("2024-01")
    rows.drop(columns="weight").to_csv(world.usecases / "shop" / "2024-01.csv", index=False)
    return world


def mistakes(capsys: pytest.CaptureFixture[str], name: str = "shop") -> str:
    assert command("check", name) == 2
    return " ".join(capsys.readouterr().err.split())


def test_what_fields_mean_does_not_hide_the_source_the_machines_and_the_code(
    shop: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop.usecases / "wrong.py").write_text("def made(rows:\n")
    shop.declare(
        compute={"train": "huge"},
        features={**DECLARATION["features"], "derived": ["wrong.py:made"]},
        evaluation={"primary": "logloss"},
        checks=[{"expect_column_value": {"column": "price"}, "severity": "critical"}],
    )
    shown = mistakes(capsys)
    assert "unknown metric 'logloss'" in shown and "expect_column_value" in shown
    assert NO_POOL in shown and NO_COLUMN in shown and "wrong.py" in shown
    assert shown.count(NO_COLUMN) == shown.count(NO_POOL) == 1


def test_an_edit_that_history_forbids_does_not_hide_the_source_and_the_machines(
    shop: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, case = Ledger(settings().database_url), load_use_case("shop", settings().usecases)
    record_declaration(ledger, case)
    ledger.append("shop", batch("2023-12").model_copy(update={"declaration_digest": case.declaration.digest}))
    edited = {**DECLARATION["schema"], "target": "weight"}
    shop.declare(compute={"train": "huge"}, schema=edited, features={"numeric": ["price"], "categorical": ["carrier"]})
    shown = mistakes(capsys)
    assert "schema.target: was 'returned', is 'weight'" in shown
    assert NO_POOL in shown and NO_COLUMN in shown


def test_where_it_is_unknown_what_is_read_the_source_is_left_alone(
    shop: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.declare(compute={"train": "huge"}, source={**DECLARATION["source"], "kind": "filez"})
    shown = mistakes(capsys)
    assert "filez" in shown and NO_COLUMN not in shown


def test_what_one_member_lacks_does_not_hide_what_all_members_have(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_POOLS", "big=trainers")
    folder = home.parent / "usecases"
    for store in ("a", "b"):
        file = month_of_store(folder, store, "2024-01")
    pd.read_csv(file).drop(columns="kind").to_csv(file, index=False)
    (folder / "sales.py").write_text("def feature(rows):\n    raise ValueError('of the code')\n")
    features = {"numeric": ["price"], "categorical": ["kind"], "derived": ["sales.py:feature"]}
    write_template(folder, ["a", "b"], features=features, compute={"train": "huge"})
    shown = mistakes(capsys, "sales")
    assert "no column 'kind' (1 of 2 members: sales_b)" in shown
    assert f"{NO_POOL}" in shown and "(2 of 2 members: sales_a, sales_b)" in shown
    assert "of the code" in shown and "(on rows of sales_a)" in shown
