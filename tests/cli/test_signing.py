"""Signed models as a person meets them: a home that has none, the requirement, and signing afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perennial.settings import settings
from tests.cli.conftest import Perennial
from tests.world import World


def test_models_of_the_time_before_are_refused_until_they_are_signed(
    perennial: Perennial, settled: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "keys" / "models"
    missing = perennial("keys", str(key), "--models")
    assert missing.code == 2 and f"the folder {key.parent} does not exist" in missing.err and "mkdir" in missing.err
    assert not key.parent.exists()
    key.parent.mkdir()
    assert perennial("verify-model", "shop").out == "shop: version 1: not signed\nshop: version 2: not signed\n"
    assert "PERENNIAL_MODEL_KEY" in perennial("sign-model", "shop").err
    made = perennial("keys", str(key), "--models", "--json")
    assert made.code == 0 and json.loads(made.out)["key"] == key.with_name("models.pub").read_text().strip()
    monkeypatch.setenv("PERENNIAL_TRUSTED_MODEL_KEYS", f"{key}.pub")
    monkeypatch.setenv("PERENNIAL_REQUIRE_SIGNED_MODELS", "1")
    settled.month("2024-03")
    refused = perennial("score", "shop")
    assert refused.code == 1 and "version 1: not signed; nothing of it was loaded" in refused.err
    assert "`perennial verify-model USECASE`" in refused.err
    assert perennial("verify-model", "shop").code == 1

    monkeypatch.setenv("PERENNIAL_MODEL_KEY", str(key))
    before = perennial("ledger", "verify", "shop").out
    assert perennial("sign-model", "shop").code == 0
    assert perennial("ledger", "verify", "shop").out == before, "a signature adds no row"
    assert json.loads(perennial("sign-model", "shop", "--json").out)[0] == {"version": 1, "signed_now": False}
    assert perennial("run", "shop").code == 0
    shown = json.loads(perennial("verify-model", "shop", "--json").out)
    assert {each["signature"]["state"] for each in shown} == {"signed"} and len(shown) == 2
    newest = perennial("verify-model", "shop", "--version", "3")
    assert newest.code == 0 and "version 3: signed with the key" in newest.out
    unknown = perennial("verify-model", "shop", "--version", "9")
    assert unknown.code == 2 and "--version: shop has no version 9" in unknown.err
    perennial("dossier", "shop", "--out", str(tmp_path / "d"))
    assert "registered without one" in (tmp_path / "d" / "dossier.html").read_text(encoding="utf-8")
    assert "perennial:signature" in (tmp_path / "d" / "bom.cdx.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [["--name", "risk.example", "--models"], []])
def test_a_key_is_for_anchors_or_for_models(perennial: Perennial, tmp_path: Path, options: list[str]) -> None:
    refused = perennial("keys", str(tmp_path / "key"), *options)
    assert refused.code == 2 and "--name" in refused.err and "--models" in refused.err
    assert not (tmp_path / "key").exists()
    at_home = settings().home / "key"
    both = perennial("keys", str(at_home), *options)
    assert both.code == 2 and "--name" in both.err and f"{at_home} is in the home" in both.err, "both faults at once"


def test_a_changed_file_is_reported_in_one_sentence_with_its_fix(perennial: Perennial, settled: World) -> None:
    for file in settings().home.rglob("model.json"):
        file.write_bytes(file.read_bytes() + b" ")
    verified = perennial("verify-model", "shop")
    assert verified.code == 1
    wrong = next(line for line in verified.out.splitlines() if "would not be loaded" in line)
    assert wrong.count("version") == 1 and "its bytes are not those that were registered (digest" in wrong
    assert "  Restore its files from a backup, or roll back" in verified.out
