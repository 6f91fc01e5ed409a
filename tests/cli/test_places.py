"""A home works wherever it lies, copied or moved, and never touches the place that it came from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Perennial
from tests.world import World


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lives(perennial: Perennial, shop: World) -> None:
    """It does everything that reads what is kept, and goes on."""
    assert json.loads(perennial("status", "shop", "--json").out)["champion"]["version"] == 1
    shown = perennial("doctor", "shop")
    assert (shown.code, shown.out) == (0, "shop: ledger, tables and registry agree.\n")
    shop.month("2024-03")
    assert perennial("run", "shop").code == 0
    shown = perennial("replay", "shop", "--deep")
    assert shown.code == 0 and shown.out.count("to the last bit") == 2, shown.out


def test_a_copy_lives_elsewhere_and_the_original_stays_as_it_was(
    settled: World, template: Path, perennial: Perennial
) -> None:
    before = files_of(template)
    assert len(before) > 20
    lives(perennial, settled)
    assert files_of(template) == before, "to the byte, SQLite's files included"


def test_a_moved_home_lives_and_nothing_appears_in_its_former_place(
    settled: World, perennial: Perennial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(tmp_path / "home", tmp_path / "elsewhere")
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "elsewhere"))
    lives(perennial, settled)
    assert not (tmp_path / "home").exists()


def test_nothing_that_a_home_keeps_names_its_place(settled: World, template: Path, perennial: Perennial) -> None:
    kept = {name: data for name, data in files_of(template / "home").items() if name.parts[0] != "prefect"}
    assert {name.parts[0] for name in kept} >= {"ledger.db", "landing", "tables", "mlflow", "docs", "pages"}
    assert [str(name) for name, data in kept.items() if str(template / "home").encode() in data] == []


def test_the_doctor_names_batches_whose_bytes_are_not_where_the_settings_lead(
    settled: World, perennial: Perennial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_FILES_URI", str(tmp_path / "other"))
    shown = perennial("doctor", "shop")
    place = tmp_path / "other" / "landing"
    assert shown.code == 1 and f"the bytes of batch 2024-01 and 1 more are not in {place}" in shown.out, shown.out
    assert "set PERENNIAL_FILES_URI to where they are" in shown.out
    shutil.copytree(tmp_path / "home" / "landing", place)
    assert perennial("doctor", "shop").code == 0
