"""Anchors as a person meets them: a key, a place, a cycle, what status and doctor show, and the check afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Perennial, ledger_rows, payloads
from tests.ledger.test_ledger import behind_its_back
from tests.world import World


def test_a_cycle_anchors_its_head_and_a_place_that_is_away_is_caught_up(
    perennial: Perennial, settled: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perennial.ledger.entries import Cycle
    from perennial.settings import settings
    from perennial.store.workspace import open_workspace

    (tmp_path / "keys").mkdir()
    made = perennial("keys", str(tmp_path / "keys" / "ledger"), "--name", "risk.example/ledger")
    assert made.code == 0 and str(tmp_path / "keys" / "ledger.pub") in made.out
    mount, away = tmp_path / "mount", tmp_path / "away"
    mount.mkdir()
    monkeypatch.setenv("PERENNIAL_ANCHORS", f"file:{mount / 'anchors'},file:{away / 'anchors'}")
    monkeypatch.setenv("PERENNIAL_ANCHOR_KEY", str(tmp_path / "keys" / "ledger"))
    monkeypatch.setenv("PERENNIAL_OPENLINEAGE", f"file:{mount / 'lineage.jsonl'},file:{away / 'lineage.jsonl'}")
    settled.month("2024-03")
    assert perennial("run", "shop").code == 0, "a place that is away stops no cycle"
    events = [json.loads(line) for line in (mount / "lineage.jsonl").read_text().splitlines()]
    assert [each["job"]["name"] for each in events if each["eventType"] == "COMPLETE"].count("shop.ingest") == 3
    rows = ledger_rows()
    assert len(payloads(Cycle)) == 3
    shown = " ".join(perennial("status", "shop").out.split())
    assert f"anchored row {rows} in file:{mount}" in shown
    assert f"not yet in file:{away}/anchors; the last attempt failed: {away}/anchors cannot be written" in shown

    assert perennial("doctor", "shop", "--dry-run").code == 1
    away.mkdir()
    assert perennial("openlineage", "send").code == 0
    assert (away / "lineage.jsonl").read_text() == (mount / "lineage.jsonl").read_text()
    repaired = perennial("doctor", "shop")
    assert (repaired.code, "repaired: it is anchored" in repaired.out) == (0, True)
    assert (away / "anchors").read_text() == (mount / "anchors").read_text(), "the same head gives the same note, once"
    assert perennial("anchor", "shop").code == 0
    assert (mount / "anchors").read_text().count("perennial.ledger/v1") == 1

    verified = perennial("ledger", "verify", "--anchor", str(mount / "anchors"), "--json")
    (chain,) = json.loads(verified.out)
    assert (verified.code, chain["rows"]) == (0, rows)
    place = f"file:{mount / 'anchors'}"
    assert chain["anchors"] == [{"place": place, "anchors": 1, "position": rows, "incomplete": [], "stamped_at": ""}]
    behind_its_back(open_workspace(settings()).ledger, f"DELETE FROM entries WHERE position > {rows - 2}")
    assert perennial("ledger", "verify").code == 0
    cut = perennial("ledger", "verify", "--anchor", str(mount / "anchors"), "--key", str(tmp_path / "keys/ledger.pub"))
    assert cut.code == 1
    assert f"the ledger was truncated after row {rows - 2}" in cut.err
    again = perennial("anchor")
    assert again.code == 1 and f"no longer contains row {rows} as it was anchored" in again.out
    behind_its_back(open_workspace(settings()).ledger, "DELETE FROM entries WHERE position = 2")
    broken = perennial("ledger", "verify")
    assert broken.code == 1 and "perennial ledger verify" not in broken.err, "no advice to run what was just run"


@pytest.mark.parametrize(
    ("variables", "command", "words"),
    [
        ({}, ("anchor",), "PERENNIAL_ANCHORS: it is not set"),
        ({"PERENNIAL_ANCHORS": "file:{0}/a"}, ("anchor",), "PERENNIAL_ANCHOR_KEY: it is not set"),
        ({"PERENNIAL_ANCHORS": "file:{0}/here/a"}, ("status",), "PERENNIAL_ANCHORS: {0}/here/a is inside the home"),
        ({"PERENNIAL_ANCHOR_KEY": "{0}/here/key"}, ("status",), "PERENNIAL_ANCHOR_KEY: {0}/here/key is inside"),
        ({"PERENNIAL_ANCHORS": "s3://x"}, ("status",), "'s3://x' is not a place for anchors"),
        ({}, ("keys", "{0}/here/key", "--name", "a"), "{0}/here/key is in the home"),
        ({}, ("keys", "{0}/key", "--name", "a b"), "--name: 'a b' is not a valid name"),
        ({}, ("ledger", "verify", "--anchor", "{0}/none"), "--key: an anchor is worth as much as the key"),
        ({}, ("ledger", "verify", "--anchor", "{0}/none", "--key", "nothing"), "neither a public key nor a file"),
        ({}, ("ledger", "verify", "--anchor", "{0}/none", "--key", "a+00000000+AA=="), "is not a public key"),
        ({}, ("ledger", "verify", "--anchor", "{0}/none", "--key", "PRIVATE+KEY+a+b+secret"), "it is a private key"),
        ({}, ("ledger", "verify", "--anchor", "{0}/none", "--key", "{1}"), "--anchor: {0}/none does not exist"),
        ({}, ("ledger", "verify", "--key", "{1}"), "--key: is given without an anchor"),
        ({}, ("ledger", "verify", "--authority", "{0}/ca"), "--authority: is given without an anchor"),
        ({}, ("ledger", "verify", "--anchor", "https://a.example/x", "--key", "{1}"), "cannot be read back"),
    ],
)
def test_a_wrong_place_or_key_is_refused_before_anything_happens(
    perennial: Perennial,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    command: tuple[str, ...],
    words: str,
) -> None:
    public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "here"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    refused = perennial(*(part.format(tmp_path, public) for part in command))
    assert refused.code == 2, refused
    assert words.format(tmp_path) in refused.err and "secret" not in refused.err
    assert not (tmp_path / "key").exists() and not (tmp_path / "here" / "anchored").exists()
