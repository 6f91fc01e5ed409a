"""Doing a thing twice is doing it once; other content for a known window is a new revision."""

from __future__ import annotations

import json

import pytest

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Snapshot
from perennial.settings import settings
from tests.cli.conftest import Perennial, ledger_rows, payloads, write
from tests.world import World

pytestmark = pytest.mark.timeout(240)


def test_a_run_with_nothing_new_changes_nothing(settled: World, perennial: Perennial) -> None:
    before = ledger_rows()
    shown = perennial("run", "shop")
    assert (shown.code, shown.out) == (0, "shop: the source has nothing new.\n")
    assert perennial("backfill", "shop").out == "shop: nothing is left to do.\n"
    assert ledger_rows() == before


def test_a_server_is_needed_only_where_something_is_new(
    settled: World, perennial: Perennial, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = settings().pages / "shop.html"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    for command in ("run", "backfill"):
        assert perennial(command, "shop").code == 0
    kept = page.read_text()
    page.unlink()
    assert "no Prefect server answers" in perennial("run", "shop").err, "the page is to be written"
    page.write_text(kept)
    settled.month("2024-12")
    for command in ("run", "backfill"):
        assert "no Prefect server answers" in perennial(command, "shop").err


def test_the_same_content_again_changes_nothing_whatever_its_order(settled: World, perennial: Perennial) -> None:
    before = ledger_rows()
    assert perennial("ingest", "shop", "--batch", "2024-01").code == 0
    rows = settled.month("2024-01")
    write(settled, "2024-01", rows.iloc[::-1][["carrier", *(c for c in rows.columns if c != "carrier")]])
    shown = perennial("ingest", "shop", "--batch", "2024-01", "--json")
    assert shown.code == 0
    assert json.loads(shown.out)["revision"] == 1
    assert ledger_rows() == before


def test_asking_twice_for_a_training_gives_one_challenger(settled: World, perennial: Perennial) -> None:
    before = ledger_rows()
    shown = [json.loads(perennial("train", "shop", "--json").out)["challenger"] for _ in range(2)]
    assert shown[0] == shown[1]
    assert ledger_rows() == before, "version 2 was trained on the very same rows already"


def test_other_content_for_a_window_is_a_revision_and_training_uses_it_alone(
    settled: World, perennial: Perennial
) -> None:
    restated = settled.month("2024-01")
    write(settled, "2024-01", restated[restated["carrier"] != "bike"])
    shown = perennial("ingest", "shop", "--batch", "2024-01")
    assert shown.code == 0, shown.err
    listed = [line.split()[:3] for line in perennial("batches", "shop").out.splitlines()[1:]]
    assert listed == [["2024-01", "1", "arrived"], ["2024-02", "1", "arrived"], ["2024-01", "2", "restated"]]

    assert perennial("train", "shop", "--reason", "January was restated").code == 0
    batches = [b for b in payloads(BatchEntry) if isinstance(b, BatchEntry)]
    newest = payloads(ChallengerEntry)[-1]
    snapshot = next(s for s in payloads(Snapshot) if s.key == newest.snapshot)  # type: ignore[attr-defined]
    assert isinstance(snapshot, Snapshot)
    assert set(snapshot.batches) == {batches[1].batch, batches[2].batch}
    february = settled.month("2024-02")
    known = (february["at"] < "2024-02-29").sum()
    assert snapshot.rows == (restated["carrier"] != "bike").sum() + known


def test_a_batch_that_the_source_lacks_is_answered_with_those_it_has(settled: World, perennial: Perennial) -> None:
    before = ledger_rows()
    shown = perennial("run", "shop", "--batch", "2025-01")
    assert shown.code == 2
    assert "no batch '2025-01'" in shown.err
    assert "2024-01, 2024-02" in shown.err
    assert ledger_rows() == before
