"""What a mistake in a declaration looks like on the command line, and what it leaves to be seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perennial.usecase.declaration import ReleaseRules
from perennial.usecase.reading import load_use_case
from tests.cli.conftest import _lead_to, command
from tests.world import World

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A declared shop with a file of one month, of which nothing has been ingested."""
    _lead_to(monkeypatch, tmp_path)
    world = World(tmp_path / "usecases", rows_a_day=3).declare()
    world.month("2024-01")
    return world


@pytest.mark.parametrize(
    ("arguments", "code"), [(("status",), 0), (("doctor",), 1), (("alerts",), 0), (("alerts", "send"), 0)]
)
def test_a_broken_declaration_hides_no_other_use_case(
    shop: World, capsys: Captured, arguments: tuple[str, ...], code: int
) -> None:
    (shop.usecases / "bad.yaml").write_text("a: [")
    assert command(*arguments) == code
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and "bad is left out: " in told.err
    assert "bad.yaml:1: not YAML: a [ or { is opened and never closed" in told.err
    assert told.err.endswith("perennial check bad\n")
    assert "shop" in told.out or arguments[0] == "alerts"
    assert command("status", "bad") == 2, "the one that is named is reported in full"


def test_json_of_status_has_the_use_cases_that_can_be_read(shop: World, capsys: Captured) -> None:
    (shop.usecases / "bad.yaml").write_text("a: [")
    assert command("status", "--json") == 0
    assert [view["usecase"] for view in json.loads(capsys.readouterr().out)] == ["shop"]


def test_a_misspelt_feature_is_corrected_by_the_columns_of_the_source(shop: World, capsys: Captured) -> None:
    check = {"expect_column_values_to_be_between": {"column": "weight", "min_value": 0}}
    shop.declare(features={"numeric": ["price", "weigth"], "categorical": ["carrier"]}, checks=[check])
    assert command("check", "shop") == 2
    told = capsys.readouterr().err
    assert "did you mean 'weigth'" not in told
    assert "the source has it: correct 'weigth', which the source does not have" in told
    assert "batch 2024-01 of the source has no column 'weigth'\n  did you mean 'weight'?" in told


def test_a_misspelt_column_of_a_check_is_corrected_as_the_source_has_it(shop: World, capsys: Captured) -> None:
    shop.declare(checks=[{"expect_column_values_to_be_between": {"column": "wieght", "min_value": 0}}])
    assert command("check", "shop") == 2
    assert (
        "no column 'wieght' in this declaration\n  did you mean 'weight', as in the source?" in capsys.readouterr().err
    )


def test_a_history_on_todays_clock_is_noticed_before_it_is_run(shop: World, capsys: Captured) -> None:
    shop.declare(clock="wall")
    assert command("check", "shop") == 0
    told = capsys.readouterr().out
    assert "note: the newest row of batch 2024-01 is" in told and "write `clock: replay`" in told
    shop.declare(clock="replay")
    assert command("check", "shop", "--json") == 0
    assert json.loads(capsys.readouterr().out)["tried"]["notes"] == []


def test_what_init_writes_today_and_a_declaration_leaves_out_is_named_and_keeps_its_meaning(
    shop: World, capsys: Captured
) -> None:
    shop.declare(release={"policy": "balanced"})
    assert command("check", "shop", "--no-run") == 0
    out = capsys.readouterr().out
    assert "left out: release.serve: single (init writes mixture)" in out
    assert "left out: release.judge: next_batch (init writes {newest: 15d})" in out
    shop.declare(release={"policy": "blend"})
    assert command("check", "shop", "--no-run") == 0
    assert "{newest: 15d}" not in capsys.readouterr().out, "check refuses it for this policy"
    shop.declare(release={"serve": "single", "judge": "next_batch"})
    assert command("check", "shop", "--json", "--no-run") == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == []
    assert load_use_case("shop", shop.usecases).declaration.release == ReleaseRules()
