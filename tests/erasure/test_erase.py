"""A person's rows are erased: what is removed, what is recorded, and what stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from perennial.clock import instant
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Decision, Erased
from perennial.ledger.erased import trained_without, unlearned_erasure
from perennial.model.artifact import Fitted
from perennial.model.released import load_model
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import payloads
from tests.erasure.conftest import ASKED, KEY, OF_THE_PERSON, Ask
from tests.erasure.search import files_with
from tests.training.stores import cycle, take_in, train_at
from tests.world import World


def test_the_rows_go_from_landing_and_tables_and_the_record_has_their_number(shop: World, ask: Ask) -> None:
    before = _rows("accepted")
    shown = json.loads(ask(*ASKED, "--dry-run", "--json").out)
    rows = {"landing": 3, "accepted": 1, "quarantine": 1, "labels": 1, "predictions": 1}
    files = {"failures": 1, "models": 2, "pages": 1, "prefect": 1, "statistics": 1, "validations": 1}
    assert shown == {"usecase": "shop", "would_erase": rows | files, "stays": {}}
    in_words = ask(*ASKED, "--dry-run").out
    assert "the next cycle trains one without them" in in_words and "not reached: backups" in in_words
    assert _rows("accepted") == before and not payloads(Erased), "a dry run changes nothing"
    done = ask(*ASKED)
    assert done.code == 0, done.err
    (erased,) = payloads(Erased)
    assert isinstance(erased, Erased) and erased.counts == shown["would_erase"]
    assert (erased.by, erased.reason, erased.number) == ("Ben", "asked to be forgotten", 1)
    assert KEY not in erased.model_dump_json()
    after = _rows("accepted")
    assert after.num_rows == before.num_rows - 1 and after.equals(_without(before)), "all others are as they were"
    again = ask(*ASKED)
    assert (
        again.code == 0 and "no row with any of these keys (order) is here" in again.out and len(payloads(Erased)) == 1
    )


def test_the_form_takes_a_file_with_the_keys(shop: World, tmp_path: Path) -> None:
    from tasks.erasing import erase_rows

    keys = tmp_path / "keys.csv"
    keys.write_text(f"name,order\nAda,{KEY}\nAda,{KEY}-2\n")
    erased = erase_rows.fn("shop", str(keys), "Ben", "asked to be forgotten", False, None)
    assert erased is not None and erased.counts["accepted"] == 1
    assert erase_rows.fn("shop", str(keys), "Ben", "asked to be forgotten", False, None) is None
    assert files_with(settings().home, OF_THE_PERSON) == []


def test_decisions_are_replayed_from_their_sums_and_deep_replay_names_the_erasure(shop: World, ask: Ask) -> None:
    assert ask(*ASKED).code == 0
    assert ask("replay", "shop").code == 0
    (decision, *_) = payloads(Decision)
    assert isinstance(decision, Decision)
    assert "Since then 1 of 1,199 rows was erased by erasure 1." in ask("decision", decision.id, "--wide").out
    assert "1; the newest (erasure 1) by Ben: asked to be forgotten" in ask("status", "shop").out
    assert "579 rows accepted, 1 of them erased since, 1 set aside" in ask("lineage", "shop", "batch:2024-02/1").out
    deep = ask("replay", "shop", "--deep")
    assert deep.code == 0 and deep.out.count("erasure") == 1, "explained once"
    assert "from the sums in the ledger" in deep.out


def test_status_and_page_name_the_models_that_have_learned_from_erased_rows(shop: World, ask: Ask) -> None:
    assert "has learned" not in ask("status", "shop").out
    assert ask(*ASKED).code == 0
    learned = json.loads(ask("status", "shop", "--json").out)["learned_erased"]
    assert learned and all(each["erasures"] == [1] for each in learned)
    page = (settings().pages / "shop.html").read_text()
    for each in learned:
        which = "which is live" if each["is_live"] else "which waits"
        sentence = f"Version {each['version']}, {which}, has learned from rows that erasure 1 removed"
        assert sentence in ask("status", "shop").out and sentence in page


def test_what_is_sent_again_as_before_is_not_taken_in_again(shop: World, ask: Ask) -> None:
    assert ask(*ASKED).code == 0
    rows, batches = _rows("accepted").num_rows, len(payloads(BatchEntry))
    take_in("2024-02")
    assert (_rows("accepted").num_rows, len(payloads(BatchEntry))) == (rows, batches)
    source = shop.usecases / "shop" / "2024-02.csv"
    source.write_text(source.read_text().replace("post", "sent"))
    take_in("2024-02")
    assert any(KEY in str(key) for key in _rows("accepted")["order"].to_pylist()), "other content is taken as it comes"


def _rows(name: str) -> pa.Table:
    tables = open_workspace(settings()).tables
    table = tables.read("shop", name, list(tables.batches("shop", name)))  # type: ignore[arg-type]
    assert table is not None
    return table.sort_by("order")


def _without(rows: pa.Table) -> pa.Table:
    return rows.filter(pa.array([KEY not in key for key in rows["order"].to_pylist()]))


def test_no_byte_of_the_home_has_a_string_of_the_person_and_all_others_stay(shop: World, ask: Ask) -> None:
    home = settings().home
    workspace = open_workspace(settings())
    workspace.files.put("typed/shop/5a54/.00000.parquet.7-7.half", OF_THE_PERSON[0].encode())  # of a killed run
    before, names = _rows("accepted"), {path.split("/")[0] for path in files_with(home, OF_THE_PERSON)}
    assert names >= {"landing", "tables", "typed", "mlflow", "prefect", "validations", "failures", "pages"}
    others = before.to_pandas()[100:600:5]
    predicted = _live_model().predict(others)
    assert ask(*ASKED).code == 0
    assert files_with(home, OF_THE_PERSON) == []
    assert _rows("accepted").equals(_without(before))
    (erased,) = payloads(Erased)
    assert isinstance(erased, Erased)
    assert [(each.version, each.learned, each.now != each.was) for each in erased.models] == [
        (2, True, True),
        (3, True, True),
    ]
    assert (_live_model().predict(others) == predicted).all(), "other words for her values change no prediction"
    assert ask("doctor", "shop").code == 0


def test_the_next_cycle_trains_without_the_rows_unless_models_are_kept_for_a_reason(shop: World, ask: Ask) -> None:
    ledger = open_workspace(settings()).ledger
    assert unlearned_erasure(ledger, "shop") is None
    assert ask(*ASKED).code == 0
    assert unlearned_erasure(ledger, "shop") == 1
    shop.month("2024-04")
    cycle()
    newest = payloads(ChallengerEntry)[-1]
    assert isinstance(newest, ChallengerEntry) and newest.trigger.event == "erasure-1"
    without = f"Version {newest.model.version} was trained without the rows that erasure 1 removed."
    assert trained_without(newest) == without
    assert "alarm" not in str(newest.later_because)
    assert unlearned_erasure(ledger, "shop") is None


def test_a_version_that_waits_is_named_and_the_next_cycle_decides_on_it(shop: World, ask: Ask) -> None:
    done = ask(*ASKED)
    assert (
        "version 3 waits, and the next cycle may still release it before it trains: `perennial train shop --reason "
        "TEXT` trains a version that takes its place" in done.out
    )
    shop.month("2024-04")
    cycle()
    decisions = payloads(Decision)
    assert isinstance(decisions[-1], Decision) and decisions[-1].challenger.version == 3
    assert isinstance(newest := payloads(ChallengerEntry)[-1], ChallengerEntry) and newest.trigger.event == "erasure-1"


def test_a_version_trained_after_an_erasure_takes_the_place_of_the_one_that_waited(shop: World, ask: Ask) -> None:
    assert ask(*ASKED).code == 0
    train_at(instant("2024-04-01T00:00:00Z"))
    shop.month("2024-04")
    cycle()
    newest = payloads(Decision)[-1]
    assert isinstance(newest, Decision) and newest.challenger.version == 4


def test_a_decision_that_waits_for_a_person_can_be_refused_after_an_erasure(shop: World, ask: Ask) -> None:
    shop.declare(release={"policy": "hold"})
    shop.month("2024-04")
    cycle()
    held = payloads(Decision)[-1]
    assert isinstance(held, Decision) and held.outcome == "held"
    done = ask(*ASKED)
    assert f"version {held.challenger.version} waits for a person, who may still release it: " in done.out
    assert f"`perennial refuse {held.id} --by NAME --reason TEXT` ends that" in done.out


def _live_model() -> Fitted:
    workspace = open_workspace(settings())
    (challenger,) = [
        row.payload for row in workspace.ledger.all("shop", ChallengerEntry) if row.payload.model.version == 2
    ]
    return load_model(workspace.registry, "shop", challenger.model)
