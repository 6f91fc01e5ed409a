"""What can go wrong in a month: reported with exit code and fix, nothing released, and the next run goes on."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Decision, ModelRef, Release
from perennial.model.artifact import Fitted
from perennial.release.promote import release_decided
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial, ledger_rows, payloads, write
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.usefixtures("at_once")]


def releases() -> list[int]:
    return [r.release_no for r in payloads(Release) if isinstance(r, Release)]


def decided_on() -> list[str]:
    return [d.batch for d in payloads(Decision) if isinstance(d, Decision)]


def challengers() -> list[ChallengerEntry]:
    return [c for c in payloads(ChallengerEntry) if isinstance(c, ChallengerEntry)]


def damage(model: ModelRef) -> tuple[Path, bytes]:
    """Change one byte of a registered model's file; the file and what it was."""
    file = open_workspace(settings()).registry.folder("shop", model) / "model.skops"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    return file, whole


def goes_on(perennial: Perennial, month: str = "2024-03") -> None:
    """The next run finishes the month that was begun: one decision, one new challenger, the chain whole."""
    before = len(challengers())
    shown = perennial("run", "shop")
    assert shown.code == 0, shown.err
    assert decided_on()[-1] == month
    assert len(challengers()) == before + 1
    assert len(payloads(BatchEntry)) == len(payloads(Cycle)) == len({c.key for c in payloads(Cycle)})
    assert ledger_rows() > 0
    assert perennial("doctor", "shop").code == 0


def test_a_registry_that_is_down_stops_the_month_and_releases_nothing(
    settled: World, perennial: Perennial, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.month("2024-03")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        shown = perennial("run", "shop")
        assert shown.code == 1
        assert f"the model registry at http://127.0.0.1:{port} did not" in shown.err
        assert "Run the same command again when it answers" in shown.err and "Live: version 1" in shown.err
        assert "Traceback" not in shown.err
        rolled_back = perennial("rollback", "shop", "--reason", "try")
        assert rolled_back.code == 2 and "no previous champion" in rolled_back.err
        assert perennial("status", "shop").code == 0, "the live model is in the ledger"
    assert releases() == [1]
    assert decided_on() == ["2024-02"]
    assert "the cycle of batch 2024-03 is not finished" in perennial("status", "shop").out
    goes_on(perennial)


def test_a_champion_whose_bytes_changed_is_reported_and_nothing_is_released(
    settled: World, perennial: Perennial
) -> None:
    settled.month("2024-03")
    champion = open_workspace(settings()).ledger.all("shop", Release)[0].payload.serves[0].model
    file, whole = damage(champion)
    shown = perennial("run", "shop")
    assert shown.code == 1
    assert f"model bytes changed: registered {champion.digest[:16]}, found" in shown.err
    assert releases() == [1]
    assert decided_on() == ["2024-02"]

    doctor = perennial("doctor", "shop")
    assert doctor.code == 1
    assert "the live model (version 1) cannot be loaded" in doctor.out
    back = perennial("rollback", "shop", "--reason", "version 1 is broken")
    assert back.code == 2
    assert "there is no previous champion to roll back to; none was live before release 1" in back.err

    file.write_bytes(whole)
    goes_on(perennial)


def test_from_a_champion_whose_bytes_changed_a_rollback_leads_back_to_the_former(
    settled: World, perennial: Perennial
) -> None:
    settled.month("2024-03")
    assert perennial("run", "shop").code == 0
    workspace = open_workspace(settings())
    decision = workspace.ledger.all("shop", Decision)[-1].payload
    release_decided(workspace.ledger, decision.model_copy(update={"outcome": "release"}))
    assert perennial("doctor", "shop").code == 0  # the alias follows
    damage(decision.challenger)
    settled.month("2024-04")
    assert perennial("run", "shop").code == 1

    assert decision.champion is not None
    file, whole = damage(decision.champion)
    shown = perennial("rollback", "shop", "--reason", "version 2 is broken")
    assert shown.code == 1
    assert f"registered {decision.champion.digest[:16]}" in shown.err
    assert releases() == [1, 2], "what cannot be loaded is not brought back"

    file.write_bytes(whole)
    unnamed = perennial("rollback", "shop", "--reason", "version 2 is broken", "--by", "")
    assert unnamed.code == 2 and "--by: is empty; the record needs it" in unnamed.err
    assert releases() == [1, 2]
    shown = perennial("rollback", "shop", "--reason", "version 2 is broken", "--by", "Ada", "--json")
    assert shown.code == 0, shown.err
    restored = json.loads(shown.out)
    assert (restored["release_no"], restored["kind"], restored["restores"]) == (3, "rollback", 1)
    first = workspace.ledger.all("shop", Release)[0].payload
    assert (restored["features_digest"], restored["snapshot"]) == (first.features_digest, first.snapshot)
    champion = json.loads(perennial("status", "shop", "--json").out)["champion"]
    assert (champion["version"], champion["by"]) == (1, "Ada")
    assert "rolled back by Ada: version 2 is broken" in " ".join(perennial("status", "shop").out.split())
    assert workspace.registry.champion("shop") == 1
    goes_on(perennial, "2024-04")


def test_a_comparison_that_fails_releases_nothing(
    settled: World, perennial: Perennial, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = settled.month("2024-03")
    champion = open_workspace(settings())
    serving = open_workspace(settings()).ledger.all("shop", Release)[0].payload
    naive = json.loads(
        (champion.registry.folder("shop", serving.serves[0].model) / "extra_files" / "model.json").read_text()
    )["naive"]
    predict = Fitted.predict

    def gone_mad(self: Fitted, rows: pd.DataFrame) -> Any:
        return predict(self, rows) * (1 if self.naive == naive else np.nan)

    with monkeypatch.context() as patch:
        patch.setattr(Fitted, "predict", gone_mad)
        shown = perennial("run", "shop")
    assert shown.code == 1
    assert (
        f"the challenger's predictions are missing or infinite for {_judging(rows)} of {_judging(rows)} rows"
        in shown.err
    )
    assert "the challenger is not released; the live model stays live" in shown.err
    assert releases() == [1]
    assert decided_on() == ["2024-02"]
    goes_on(perennial)


def _judging(rows: pd.DataFrame) -> int:
    """Labels known within March, one day after the event."""
    return int((rows["at"] < "2024-03-31").sum())


def test_without_labels_the_challenger_waits_and_is_decided_when_they_come(
    settled: World, perennial: Perennial
) -> None:
    write(settled, "2024-03", settled.month("2024-03").assign(returned=""))
    shown = perennial("run", "shop")
    assert shown.code == 0, shown.err
    assert "waits\n  the loss is unknown: 0 new labels so far\n  no label has become known since" in shown.out
    assert decided_on() == ["2024-02"]
    assert releases() == [1]
    waiting = challengers()[-1]

    settled.month("2024-04")
    assert perennial("run", "shop").code == 0
    decision = payloads(Decision)[-1]
    assert isinstance(decision, Decision)
    assert decision.challenger_id == waiting.challenger
    assert decision.batch == "2024-04"
    assert decision.evaluation.first.startswith("2024-04")


def test_a_shop_without_any_label_cannot_train_and_reports_it(world: World, perennial: Perennial) -> None:
    world.rows_a_day = 5
    write(world, "2024-01", world.month("2024-01").assign(returned=""))
    shown = perennial("run", "shop")
    assert shown.code == 0
    assert "155 rows have arrived, none with a label" in shown.out
    assert challengers() == []


def test_a_batch_with_a_missing_column_is_held_and_a_later_good_one_is_taken_in(
    settled: World, perennial: Perennial
) -> None:
    rows = settled.month("2024-03")
    write(settled, "2024-03", rows.drop(columns=["price"]))
    shown = perennial("run", "shop")
    assert shown.code == 3
    assert "batch 2024-03 is held, none of its rows is used: columns are missing: price" in shown.out
    assert decided_on() == ["2024-02"]
    assert len(challengers()) == 2
    assert open_workspace(settings()).tables.count("shop", "accepted", payloads(BatchEntry)[-1].batch) == 0  # type: ignore[attr-defined]

    settled.month("2024-04")
    shown = perennial("run", "shop")
    assert shown.code == 0, shown.err
    assert decided_on()[-1] == "2024-04"

    write(settled, "2024-03", rows)
    shown = perennial("ingest", "shop", "--batch", "2024-03", "--json")
    assert shown.code == 0, shown.err
    mended = json.loads(shown.out)
    assert (mended["revision"], mended["status"], mended["rows"]["arrived"]) == (2, "accepted", len(rows))


def test_a_function_that_fails_is_named_and_the_run_goes_on_once_it_is_repaired(
    settled: World, perennial: Perennial
) -> None:
    settled.month("2024-03")
    said = yaml.safe_load((settled.usecases / "shop.yaml").read_text())
    said["features"]["derived"] = ["shop.py:heavy"]
    (settled.usecases / "shop.yaml").write_text(yaml.safe_dump(said))
    functions = settled.usecases / "shop.py"
    functions.write_text("def heavy(rows):\n    return rows['wieght'] > 2\n")
    decisions = len(decided_on())
    shown = perennial("run", "shop")
    assert shown.code == 2
    assert re.search(r"derived feature 'heavy' on [\d,]+ rows failed: shop.py:2: KeyError\('wieght'\)", shown.err)
    assert "Traceback" not in shown.err
    assert len(challengers()) == 2 and len(decided_on()) == decisions, "found before anything was written"

    functions.write_text("def heavy(rows):\n    return rows['weight'] > 2\n")
    shown = perennial("run", "shop")
    assert shown.code == 0, shown.err
    assert len(challengers()) == 3


@pytest.mark.parametrize(
    ("code", "told_in_words"),
    [
        ("def model():\n    from sklearn.svm import LinearSVC\n\n    return LinearSVC()\n", "has no predict_proba"),
        ("def model():\n    return 1 / 0\n", "shop.py:2: ZeroDivisionError"),
        ("def heavy(rows):\n    return rows['wieght'] > 2\n", "shop.py:2: KeyError('wieght')"),
    ],
)
def test_a_first_run_refuses_code_that_fails_before_anything_is_taken_in(
    world: World, perennial: Perennial, code: str, told_in_words: str
) -> None:
    late = world.month("2024-01").head(50)[["order", "returned"]].assign(known_at="2024-02-10T00:00:00Z")
    (world.usecases / "late").mkdir()
    late.to_csv(world.usecases / "late" / "2024-01.csv", index=False)
    functions = world.usecases / "shop.py"
    functions.write_text(code)
    named = {"model": {"estimator": "shop.py:model"}} if "def model" in code else {}
    features = {"numeric": ["price", "weight"], "derived": [] if named else ["shop.py:heavy"]}
    world.declare(clock="wall", labels={"path": "late", "known_at": "known_at"}, features=features, **named)
    for command in ("check", "run"):
        shown = perennial(command, "shop")
        assert shown.code == 2 and told_in_words in shown.err, shown.err
        assert re.search(r"shop\.yaml:\d+: (model\.estimator|features\.derived\[0\]): ", shown.err)
    assert ledger_rows() == 0, "neither the batch, nor its labels, nor the declaration"
    assert not list((settings().home / "landing").rglob("*.csv"))

    good = "    from sklearn.linear_model import LogisticRegression\n\n    return LogisticRegression()\n"
    functions.write_text(f"def model():\n{good}" if named else "def heavy(rows):\n    return rows['weight'] > 2\n")
    shown = perennial("run", "shop")
    assert shown.code == 0, shown.err
    assert len(challengers()) == 1


def test_an_estimator_that_is_not_there_is_reported_before_anything_is_done(
    settled: World, perennial: Perennial
) -> None:
    settled.month("2024-03")
    good = (settled.usecases / "shop.yaml").read_text()
    (settled.usecases / "shop.yaml").write_text(good.replace("HistGradientBoostingClassifier", "HistGradBoosting"))
    before = ledger_rows()
    for command in (("check", "shop"), ("run", "shop"), ("train", "shop")):
        shown = perennial(*command)
        assert shown.code == 2
        assert re.search(r"shop\.yaml:\d+: model\.estimator: no 'HistGradBoosting'", shown.err)
    assert ledger_rows() == before
    (settled.usecases / "shop.yaml").write_text(good)
    goes_on(perennial)
