"""How rows leave the quarantine: a changed check, a person's word, data corrected at the source."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from perennial.errors import TransientError
from perennial.ledger.entries import BatchEntry, DeclarationEntry, Waiver
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial, ledger_rows, payloads, write
from tests.world import World

PRICE = {"column": "price", "min_value": 0, "max_value": 500}


@pytest.fixture
def march(settled: World, perennial: Perennial) -> pd.DataFrame:
    """March came with five rows that cost more than the declaration allows."""
    rows = settled.month("2024-03")
    rows.loc[rows.index[:5], "price"] = 900.0
    write(settled, "2024-03", rows)
    assert perennial("ingest", "shop").code == 0
    return rows


def newest(window: str = "2024-03") -> BatchEntry:
    return [p for p in payloads(BatchEntry) if isinstance(p, BatchEntry) and p.window == window][-1]


def accepted_orders(batch: BatchEntry) -> list[str]:
    table = open_workspace(settings()).tables.read("shop", "accepted", [batch.batch], columns=["order"])
    assert table is not None
    return sorted(table.column("order").to_pylist())


def test_what_is_set_aside_is_listed_by_reason_with_rows(march: pd.DataFrame, perennial: Perennial) -> None:
    shown = perennial("quarantine", "shop", "--rows", "2")
    assert "2024-03, revision 1: 5 of 620 rows set aside\n  price: between 0 and 500: 5 rows\n" in shown.out
    assert shown.out.count("price='900'") == 2 and "order='2024-03-00000'" in shown.out
    (view,) = json.loads(perennial("quarantine", "shop", "--json").out)["batches"]
    assert view["waivable"] == ["price: between 0 and 500"]
    assert [e["raw"]["order"] for e in view["reasons"][0]["examples"]] == [f"2024-03-{i:05d}" for i in range(3)]


def test_a_changed_check_brings_rows_back_as_a_revision(
    settled: World, march: pd.DataFrame, perennial: Perennial
) -> None:
    first = newest()
    nothing = perennial("requeue", "shop")
    assert nothing.code == 0 and "the checks give the same result as before; no new revision was made" in nothing.out
    settled.declare(checks=[{"expect_column_values_to_be_between": {**PRICE, "max_value": 1000}}])
    shown = perennial("requeue", "shop", "--batch", "2024-03")
    assert "2024-03 is revision 2 now (requeued): 620 rows, 620 accepted, 0 set aside" in shown.out
    assert accepted_orders(newest()) == sorted(march["order"])
    assert len(accepted_orders(first)) == 615, "the former revision stays readable"
    used = [p for p in payloads(DeclarationEntry) if isinstance(p, DeclarationEntry)]
    assert used[-1].digest == newest().declaration_digest and used[-1].edits, "the edit is on record"
    rows = ledger_rows()
    assert "nothing is set aside" in perennial("requeue", "shop").out
    assert ledger_rows() == rows
    listed = perennial("batches", "shop").out.splitlines()
    assert [" ".join(line.split()[:4]) for line in listed if line.startswith("2024-03")] == [
        "2024-03 1 arrived replaced",
        "2024-03 2 requeued accepted",
    ]
    assert perennial("run", "shop").code == 0, "the cycle goes on with it"


def test_a_persons_word_accepts_rows_despite_a_check(march: pd.DataFrame, perennial: Perennial) -> None:
    shown = perennial("waive", "shop", "--batch", "2024-03", "--by", "Ada", "--reason", "a sale of furs")
    assert shown.code == 0 and "waived on 2024-03 by Ada: price: between 0 and 500" in shown.out
    again = perennial("waive", "shop", "--batch", "2024-03", "--by", "Bob", "--reason", "me too")
    assert (
        again.code == 0 and "already waived on 2024-03 by Ada" in again.out and "(reason: a sale of furs)" in again.out
    )
    (waiver,) = [p for p in payloads(Waiver) if isinstance(p, Waiver)]
    assert (waiver.by, waiver.reason, waiver.checks) == ("Ada", "a sale of furs", ("price: between 0 and 500",))
    batch = newest()
    assert (batch.revision, batch.because, batch.waived) == (2, "waived", waiver.checks)
    assert accepted_orders(batch) == sorted(march["order"])
    assert batch.warnings == ("price: between 0 and 500: 5 of 620 rows",), "what was waived is still shown"


def test_a_waiver_whose_requeue_fails_is_reported_as_recorded_and_finished_by_repeating_it(
    march: pd.DataFrame, perennial: Perennial, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("waive", "shop", "--batch", "2024-03", "--by", "Ada", "--reason", "furs")
    with monkeypatch.context() as patch:
        patch.setattr("perennial.cli.quarantine._requeued", _busy)
        shown = perennial(*asked)
    assert shown.code == 1
    assert "The waiver by Ada is recorded. Only a later step failed: run the same command again" in shown.err
    assert "nothing was" not in shown.err.lower() and len(payloads(Waiver)) == 1
    assert perennial(*asked).code == 0
    assert (newest().revision, len(payloads(Waiver))) == (2, 1)


def _busy(*_: object, **__: object) -> None:
    raise TransientError("the tables do not answer")


def test_the_waiver_is_for_these_bytes_alone(settled: World, march: pd.DataFrame, perennial: Perennial) -> None:
    assert perennial("waive", "shop", "--batch", "2024-03", "--by", "Ada", "--reason", "furs").code == 0
    march.loc[march.index[:6], "price"] = 901.0
    write(settled, "2024-03", march)
    assert perennial("ingest", "shop", "--batch", "2024-03").code == 0
    batch = newest()
    assert (batch.because, batch.rows.quarantined, batch.waived) == ("restated", 6, ())


def test_what_always_stands_cannot_be_waived(settled: World, perennial: Perennial) -> None:
    write(settled, "2024-03", settled.month("2024-03").drop(columns="price"))
    assert perennial("ingest", "shop").code == 3
    assert "waive" not in perennial("quarantine", "shop").out, "only what works is offered"
    rows = ledger_rows()
    shown = perennial("waive", "shop", "--batch", "2024-03", "--by", "Ada", "--reason", "never mind")
    assert shown.code == 2 and "nothing of 2024-03 can be waived: columns are missing: price" in shown.err
    assert "Correct the data at its source" in shown.err and ledger_rows() == rows


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("--batch", "2024-09", "--by", "Ada", "--reason", "x"), "--batch: shop has no batch '2024-09'"),
        (("--batch", "2024-03", "--by", " ", "--reason", "x"), "--by: is empty"),
        (("--batch", "2024-03", "--by", "Ada", "--reason", "x", "--check", "weight"), "--check: 'weight' matches 0"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_written(
    march: pd.DataFrame, perennial: Perennial, arguments: tuple[str, ...], shown: str
) -> None:
    rows = ledger_rows()
    refused = perennial("waive", "shop", *arguments)
    assert refused.code == 2 and shown in refused.err and ledger_rows() == rows


def test_a_held_batch_that_was_corrected_at_its_source_is_taken_by_a_plain_run(
    settled: World, perennial: Perennial
) -> None:
    whole = settled.month("2024-03")
    write(settled, "2024-03", whole.drop(columns="price"))
    assert perennial("run", "shop").code == 3
    assert "nothing new" in perennial("run", "shop").out
    shown = perennial("backfill", "shop")
    assert shown.code == 3, "a held batch is left undone, however often it is asked"
    assert "shop: batch 2024-03 is held, none of its rows is used: columns are missing: price" in shown.out
    assert shown.out.endswith("what can be done, `perennial requeue shop` checks it again\n")
    write(settled, "2024-03", whole)
    shown = perennial("backfill", "shop")
    assert (shown.code, shown.out.splitlines()[-2]) == (0, "shop: 1 cycle done.")
    assert (newest().revision, newest().because, newest().status) == (2, "restated", "accepted")


def test_numbers_that_an_option_would_read_are_named_with_it_and_come_back(
    settled: World, perennial: Perennial
) -> None:
    rows = settled.month("2024-03").astype({"price": "object"})
    rows.loc[rows.index[0], "price"] = "1,173.12"
    write(settled, "2024-03", rows)
    settled.declare(checks=[])
    assert perennial("ingest", "shop").code == 0
    assert "'1,173.12' is a number with source.read.thousands: \",\" in" in perennial("quarantine", "shop").out
    settled.declare(source={"kind": "files", "path": "shop", "batch": "file", "read": {"thousands": ","}})
    assert "620 accepted, 0 set aside" in perennial("requeue", "shop").out
