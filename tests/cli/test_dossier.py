"""`perennial dossier`: where it is written, what it lists, and when a check in CI fails."""

from __future__ import annotations

import json
from pathlib import Path

from perennial.ledger.entries import Decision
from tests.cli.conftest import Perennial, payloads
from tests.world import World

STATED = {
    **dict.fromkeys(("purpose", "provider", "owner", "persons_affected", "oversight", "instructions"), "stated"),
    **dict.fromkeys(("metrics", "data"), "stated"),
    "limits": ["none known"],
    "standards": ["own solutions"],
}
RISK = {"risk": "harm", "likelihood": "low", "impact": "low", "measured_by": {"metric": "brier"}}


def test_it_is_part_of_the_site_and_lists_what_is_missing(settled: World, perennial: Perennial) -> None:
    pages = settled.usecases.parent / "home" / "pages"
    shown = perennial("dossier", "shop")
    assert shown.code == 0, shown.err
    assert str(pages / "dossiers" / "shop" / "release-1" / "dossier.html") in shown.out
    assert "governance.purpose" in shown.out and "5. Risks: governance.risk_items" in shown.out
    page = Path(json.loads(perennial("page", "shop", "--json").out)["path"]).read_text(encoding="utf-8")
    assert 'href="dossiers/shop/release-1/dossier.html"' in page
    asked = json.loads(perennial("dossier", "shop", "--json").out)
    assert {gap["field"] for gap in asked["gaps"]} >= {"governance.purpose", "description"}
    assert all(Path(file).exists() for file in asked["files"])


def test_a_check_fails_until_everything_is_stated(settled: World, perennial: Perennial, tmp_path: Path) -> None:
    out = tmp_path / "dossier"
    failed = perennial("dossier", "shop", "--check", "--out", str(out))
    assert failed.code == 3 and "the dossier lacks" in failed.err and (out / "dossier.html").exists()
    settled.declare(governance={**STATED, "risk_items": [RISK]}, description="Will it be returned?")
    complete = perennial("dossier", "shop", "--check", "--out", str(out))
    assert complete.code == 0, complete.err
    assert "Every required part is there." in complete.out
    settled.declare(governance={**STATED, "risk_items": [RISK], "risk": "high"})
    high = perennial("dossier", "shop", "--check", "--out", str(out))
    assert high.code == 3 and "also requires stages (release.stages); groups of persons" in high.err


def test_a_risk_whose_measure_is_gone_fails_also_without_a_check(settled: World, perennial: Perennial) -> None:
    settled.declare(governance={"risk_items": [{**RISK, "measured_by": {"guard": "roc_auc"}}]})
    shown = perennial("dossier", "shop")
    assert shown.code == 3 and "guard roc_auc is not declared any more" in shown.err
    assert "governance.risk_items[0].measured_by" in shown.err


def test_what_is_asked_for_wrongly_is_named(settled: World, perennial: Perennial, tmp_path: Path) -> None:
    (decision,) = [each.id for each in payloads(Decision) if isinstance(each, Decision)]
    assert perennial("dossier", "shop", "--decision", decision[:6], "--out", str(tmp_path / "d")).code == 0
    both = perennial("dossier", "shop", "--decision", decision, "--release", "1")
    assert both.code == 2 and "--release" in both.err
    none = perennial("dossier", "shop", "--release", "7")
    assert none.code == 2 and "there is no release 7; it has releases 1 to 1" in none.err
    file = tmp_path / "file"
    file.write_text("")
    unwritable = perennial("dossier", "shop", "--out", str(file))
    assert unwritable.code == 2 and "--out" in unwritable.err and "cannot be written" in unwritable.err


def test_a_measure_that_cannot_be_read_is_a_mistake_with_its_line(settled: World, perennial: Perennial) -> None:
    settled.declare(governance={"risk_items": [{**RISK, "measured_by": {"gard": "roc_auc"}}]})
    checked = perennial("check", "shop", "--no-run")
    assert checked.code == 2 and "governance.risk_items[0].measured_by" in checked.err
    assert "{guard: roc_auc}" in checked.err


def test_the_flow_writes_the_same_and_the_page_links_to_it(settled: World, perennial: Perennial) -> None:
    from flows.dossier import dossier
    from perennial.settings import settings
    from tasks.page import pages_written

    assert perennial("dossier", "shop", "--json").code == 0
    folder = settings().dossiers / "shop" / "release-1"
    by_command = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    assert dossier("shop").startswith("Dossier of release-1: ")
    pages_written()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == by_command
    assert "dossiers/shop/release-1/dossier.html" in (settings().pages / "shop.html").read_text(encoding="utf-8")
