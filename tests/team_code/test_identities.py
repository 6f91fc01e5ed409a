"""The text of the team's functions is part of every identity that depends on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.clock import instant
from perennial.deciding.ruling import clusters_before
from perennial.ledger.declaration_history import edits_since, recorded
from perennial.ledger.entries import BatchEntry, Decision, RaceStep, Release
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.training.challenger import challenger_id, newest_challenger
from perennial.usecase.reading import load_use_case
from tests.team_code.conftest import FEATURES, METRIC, MODEL, Live, own_shop
from tests.training.stores import take_in, train_at


def test_another_text_of_features_or_estimator_is_another_challenger(live: Live) -> None:
    before = live.train()
    assert live.train() == before, "the same text, the same model"
    for file, text in (("features.py", FEATURES.replace("/ 2", "/ 4")), ("model.py", MODEL.replace("C=C", "C=C / 9"))):
        live.write(file, text)
        after = live.train()
        assert after.challenger != before.challenger
        assert after.model.version == before.model.version + 1, f"{file} was edited, and trained again"
        assert after.model.digest != before.model.digest
        assert live.train() == after
        before = after


def test_a_comment_counts_too_and_a_metric_that_chooses_nothing_does_not(live: Live) -> None:
    before = live.train()
    live.write("metric.py", METRIC.replace("** 2", "** 4"))
    assert live.train() == before, "no search and no race looks at it"
    live.write("features.py", FEATURES + "# the same, listed twice\n")
    assert live.train().challenger != before.challenger


def test_what_check_announces_of_edited_code_is_what_it_restarts(live: Live) -> None:
    live.write("features.py", FEATURES)
    live.write("model.py", MODEL)
    live.write("metric.py", METRIC)
    workspace = open_workspace(settings())
    assert edits_since(workspace.ledger, workspace.use_case("shop").declaration) == ()
    live.write("features.py", FEATURES.replace("/ 2", "/ 3"))
    live.write("metric.py", METRIC.replace("** 2", "** 4"))
    found = {
        edit.field: edit.restarts for edit in edits_since(workspace.ledger, workspace.use_case("shop").declaration)
    }
    assert found == {
        "code.features.py": "the next challenger",
        "code.metric.py": "a new comparison history of cost; the champion is monitored with the former metric until "
        "the next release",
    }


def test_the_ledger_keeps_the_code_that_a_batch_came_under(live: Live) -> None:
    ledger = open_workspace(settings()).ledger
    batch = ledger.all("shop", BatchEntry)[-1].payload
    declaration, texts = recorded(ledger, "shop", batch.declaration_digest)
    assert texts == {"features.py": FEATURES, "model.py": MODEL, "metric.py": METRIC}
    assert declaration.digest == batch.declaration_digest
    (made,) = [row.payload for row in ledger.all("shop", Release)]
    assert recorded(ledger, "shop", made.reference.declared)[1]["metric.py"] == METRIC


def test_a_metric_of_other_code_shows_nothing_of_this_one(live: Live) -> None:
    taken = open_workspace(settings()).ledger.all("shop", Decision)[-1].payload.model_copy(update={"release_no": 1})
    (primary,) = taken.metrics
    assert primary.own_code
    assert len(clusters_before([taken], "cost", primary.own_code, "day")) == 1
    assert clusters_before([taken], "cost", "of another text", "day") == []


def test_a_race_never_mixes_the_results_of_two_codes(home: Path, tmp_path: Path) -> None:
    shop = own_shop(tmp_path / "usecases")
    shop.rows_a_day = 8
    shop.declaration["model"]["window"] = ["expanding", {"batches": 1}]
    shop.declare()
    for month in ("2024-01", "2024-02"):
        shop.month(month)
        as_of = instant(take_in(month).arrived_at)
    first = train_at(as_of)
    steps = lambda: [row.payload for row in open_workspace(settings()).ledger.all("shop", RaceStep)]  # noqa: E731
    assert [step.window for step in steps()] == ["2024-02"]
    for file, text in (("features.py", FEATURES.replace("/ 2", "* 0")), ("metric.py", METRIC.replace("** 2", "** 4"))):
        (shop.usecases / file).write_text(text)
        again = train_at(as_of)
        assert again.model_digest not in {first.model_digest, *(step.model_digest for step in steps()[:-1])}
        assert [step.window for step in steps()][-1:] == ["2024-02"], "the batch was raced again with the new code"
    assert len({step.model_digest for step in steps()}) == len(steps()) == 3


def test_newest_challenger_and_its_id_follow_the_code(home: Path, tmp_path: Path) -> None:
    shop = own_shop(tmp_path / "usecases")
    shop.month("2024-01")
    made = train_at(instant(take_in("2024-01").arrived_at))
    ledger = open_workspace(settings()).ledger
    before = load_use_case("shop", shop.usecases)
    (newest,) = [newest_challenger(ledger, before)]
    assert newest is not None and newest.entry == made
    (shop.usecases / "features.py").write_text(FEATURES.replace("/ 2", "/ 5"))
    after = load_use_case("shop", shop.usecases)
    assert newest_challenger(ledger, after) is None
    assert challenger_id(newest.snapshot, after.declaration) != challenger_id(newest.snapshot, before.declaration)


def test_nobody_writes_the_code_into_a_declaration(home: Path, tmp_path: Path) -> None:
    shop = own_shop(tmp_path / "usecases").declare(code={"features.py": "0" * 64})
    with pytest.raises(Exception, match="code: unknown field"):
        load_use_case("shop", shop.usecases)
