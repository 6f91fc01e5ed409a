"""`perennial lineage` as people type it: text that fits, folded; JSON; a picture; names that are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from perennial.ledger.connections import one_connection
from perennial.ledger.entries import BatchEntry
from perennial.lineage.recorded import recorded_lineage
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.cli.conftest import command
from tests.places import lead_to


def test_text_json_and_picture_of_a_release(
    shop: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("lineage", "shop", "release:3", "--out", str(tmp_path / "lineage.svg")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "release 3 of shop: versions 3 and 2, release, 2024-05-01"
    assert lines[-1] == f"The picture is {tmp_path / 'lineage.svg'}"
    assert max(map(len, lines[:-1])) <= 80
    drawn = (tmp_path / "lineage.svg").read_text(encoding="utf-8")
    titles = [each.text or "" for each in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "Lineage of release 3 of shop" and drawn.count("Lineage of release 3 of shop") == 2
    assert command("lineage", "shop", "release:3", "--up", "--json") == 0
    read = json.loads(capsys.readouterr().out)
    assert (read["node"]["kind"], read["down"], read["up"]["counts"]["model"]) == ("release", None, 3)
    assert all(any(f"{node['kind']} {node['id']}" in title for title in titles) for node in read["up"]["nodes"])


def test_many_batches_are_counted(
    shop: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home.json", "ledger.db"):
        (tmp_path / "home").mkdir(exist_ok=True)
        shutil.copy(shop.settings.home / name, tmp_path / "home" / name)
    shutil.copytree(shop.settings.usecases, tmp_path / "usecases")
    lead_to(monkeypatch, tmp_path)
    ledger = open_workspace(settings()).ledger
    first = ledger.all("shop", BatchEntry)[0].payload
    with one_connection():
        for number in range(2, 1200):
            ledger.append("shop", first.model_copy(update={"revision": number, "batch": f"{number:016x}"}))
    assert command("lineage", "shop", first.landing, "--down", "--out", str(tmp_path / "many.svg")) == 0
    shown = capsys.readouterr().out
    assert "... 1,197 more batches with 371,070 rows" in shown
    assert len(shown.splitlines()) < 30
    assert (tmp_path / "many.svg").read_text(encoding="utf-8").count("<rect") < 30


def test_wrong_names_are_refused_before_anything_is_written(
    shop: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("lineage", "shop", "nothing") == 2
    refused = capsys.readouterr().err
    assert "looked through: landing, labels, batch" in refused and "perennial batches USECASE" in refused
    for id, why in (
        ("2024-02/7", "batch '2024-02' has no revision 7; known: 1"),
        ("2031-02/1", "no batch is named '2031-02'; known: 2024-01, 2024-02"),
        ("release:3/candidate", "release 3 has no candidate"),
        ("9/candidate", "there is no release 9; known: "),
        ("00aa@1#x", "no predictions are named '00aa@1'; known: "),
    ):
        assert command("lineage", "shop", id) == 2
        assert why in (refused := capsys.readouterr().err) and "such as batch:2024-04" in refused, refused
    predictions = next(each for each in recorded_lineage(shop.ledger, "shop").nodes if each.kind == "predictions")
    assert command("lineage", "shop", f"{predictions.id}#2024-01-99999") == 2
    assert "none of them is for the key '2024-01-99999'" in capsys.readouterr().err
    assert command("lineage", "shop", "release:3", "--out", str(tmp_path / "a.png")) == 2
    assert ".svg" in capsys.readouterr().err and not (tmp_path / "a.png").exists()
