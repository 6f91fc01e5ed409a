"""`perennial score`, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from perennial.cli.predictions import prediction
from perennial.ledger.entries import BatchScored, Decision
from perennial.serving.answering import Asked, answer_all
from perennial.serving.live import open_live, wanted_release
from perennial.serving.log.writing import ServedLog
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial
from tests.world import World


def test_a_batch_is_scored_and_written(settled: World, perennial: Perennial, tmp_path: Path) -> None:
    out = tmp_path / "february.csv"
    shown = perennial("score", "shop", "--batch", "2024-02", "--out", str(out))
    assert shown.code == 0, shown.err
    written = pd.read_csv(out)
    assert f"{len(written):,} rows of batch 2024-02 are scored by release 1 (version 1). They are in {out}" in shown.out
    assert written["score"].between(0, 1).all() and set(written["release_no"]) == {1}
    assert written["order"].str.startswith("2024-02").all()
    again = perennial("score", "shop", "--batch", "2024-02", "--json")
    (row,) = open_workspace(settings()).ledger.all("shop", BatchScored)
    assert json.loads(again.out) == json.loads(row.payload.model_dump_json())


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_is_scored_without_target_and_nothing_is_recorded(
    settled: World, perennial: Perennial, tmp_path: Path, suffix: str
) -> None:
    ledger = open_workspace(settings()).ledger
    head = ledger.newest("shop")
    mine, out = tmp_path / "mine.csv", tmp_path / f"out{suffix}"
    rows = pd.read_csv(settled.usecases / "shop" / "2024-02.csv").drop(columns=["returned", "at"]).head(9)
    rows.assign(carrier=["drone", *rows["carrier"][1:]]).to_csv(mine, index=False)
    shown = perennial("score", "shop", "--file", str(mine), "--out", str(out))
    assert shown.code == 0, shown.err
    assert "9 rows are scored by release 1 (version 1)" in shown.out and f"The predictions are in {out}" in shown.out
    assert "carrier: 1 of 9 rows have values that the model was not trained on: 'drone'" in shown.err
    written = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    assert written["order"].tolist() == rows["order"].tolist()
    assert written["score"].between(0, 1).all()
    assert ledger.newest("shop") == head


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--file", "mine.csv"), "--out"),
        (("--file", "mine.csv", "--batch", "2024-02", "--out", "o.csv"), "--file"),
        (("--file", "mine.csv", "--out", "o.xlsx"), "--out: o.xlsx is neither .csv nor .parquet"),
        (("--file", "nowhere.csv", "--out", "o.csv"), "--file: nowhere.csv cannot be read"),
        (("--file", "mine.json", "--out", "o.csv"), "--file: mine.json is none of .csv"),
        (("--file", "mine.csv", "--out", "no/such/o.csv"), "--out: the folder no/such does not exist"),
        (("--batch", "2030-01"), "2030-01"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_the_option_and_the_fix(
    settled: World, perennial: Perennial, options: tuple[str, ...], names: str
) -> None:
    shown = perennial("score", "shop", *options)
    assert shown.code == 2 and names in shown.err and "Traceback" not in shown.err
    assert not Path("o.csv").exists()


def test_without_a_live_model_nothing_is_scored(world: World, perennial: Perennial) -> None:
    shown = perennial("score", "shop")
    assert shown.code == 2 and "no model is live yet" in shown.err


def test_a_served_prediction_is_shown_and_made_again(
    settled: World, perennial: Perennial, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = open_workspace(settings())
    live = open_live(workspace, "shop", wanted_release(workspace, "shop"), settings().serving)
    log = ServedLog(settings().served, lambda: "s-1")
    record = b'{"order":"mine,left at the door","price":80.0000000000000000000000,"weight":2.0,"carrier":"bike"}'
    (answered,) = answer_all(live, [Asked(live.checker.decode(b"[" + record + b"]"), [record])], log, 0)
    (place,) = answered.places
    assert place is not None
    log.close()
    shown = perennial("prediction", place.id, "--replay")
    assert shown.code == 0, shown.err
    for words in ("1 (version 1)", "the same, to the last bit", "1970-01-01T00:00:00.000000Z"):
        assert words in shown.out
    prediction(place.id, replay=False, json=False)
    lines = capsys.readouterr().out.splitlines()
    laid_out = " ".join(" ".join(lines).split())
    assert '{"order":"mine,left at the door", "price":80.' in laid_out and ', "weight":2.0, "carrier"' in laid_out
    assert max(map(len, lines)) <= 80
    view = json.loads(perennial("prediction", place.id, "--json").out)
    decided = workspace.ledger.all("shop", Decision)[0].payload.id
    assert (view["release_no"], view["decision"], view["recomputed"]) == (1, decided, None)
    assert view["received"] == record.decode()
    assert perennial("prediction", "s-1-7").code == 2
