"""Commands that only read, called as functions on a home that is filled by hand: no server, no model."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from perennial.cli.decisions import decision as show_decision
from perennial.cli.decisions import find_decision
from perennial.cli.quarantine import quarantine
from perennial.cli.reading import status
from perennial.errors import InputError
from perennial.evaluation.results import Policy
from perennial.intake.frames import accepted_table, labels_table
from perennial.ledger.entries import Approval, Reason
from perennial.ledger.ledger import Ledger
from perennial.our_columns import LABEL_KNOWN_AT
from perennial.settings import settings
from perennial.store.keys import labels_without_row
from perennial.store.known import known_at
from perennial.store.tables import Tables
from perennial.usecase.columns import column_types
from perennial.usecase.reading import load_use_case
from tests.evaluation.conftest import primary_of
from tests.ledger.payloads import AT, batch, episode, label_batch
from tests.release.payloads import challenger, decision
from tests.world import World

KNOWN = pd.Timestamp("2024-01-20", tz="UTC")


@pytest.fixture
def ledger(world: World) -> Ledger:
    settings().home.mkdir(parents=True, exist_ok=True)
    return Ledger(settings().database_url)


def fill(world: World, ledger: Ledger, rows: list[str], files: dict[str, list[str]], refused: int = 0) -> Any:
    """A batch of these orders, and label files of these."""
    schema = {name: value for name, value in world.declaration["schema"].items() if name != "label_known_after"}
    world.declare(schema=schema, labels={"path": "returns", "known_at": "known"})
    declaration = load_use_case("shop", world.usecases).declaration
    tables, types = Tables(settings().tables_uri), column_types(declaration)
    frame = pd.DataFrame({"order": rows, "price": 1.0, "weight": 1.0, "carrier": "post"})
    frame = frame.assign(at=pd.Timestamp("2024-01-10", tz="UTC"), returned=pd.array([None] * len(rows), "Int64"))
    entry, arrived = batch(), pd.Timestamp(AT).to_pydatetime()
    tables.append("shop", "accepted", accepted_table(frame, declaration, types, entry.batch, arrived), entry.batch)
    ledger.append("shop", entry)
    of_labels = {name: types[name] for name in ("order", "returned")}
    for name, orders in files.items():
        labels = pd.DataFrame({"order": orders, "returned": 1.0, LABEL_KNOWN_AT: KNOWN})
        tables.append("shop", "labels", labels_table(labels, declaration, of_labels, name, arrived), name)
        reasons = (Reason(reason="returned: not readable", rows=refused),) if refused else ()
        ledger.append("shop", label_batch(name, AT, len(orders), refused=refused, quarantine=reasons))
    return labels_without_row(tables, "shop", declaration.schema_, known_at(ledger, "shop", arrived), most=3)


SPELLED_OTHERWISE = [f"{1_000_001 + number}.0" for number in range(3000)]


def test_labels_whose_key_is_spelled_otherwise_are_counted_and_named(
    world: World, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [str(1_000_001 + number) for number in range(3000)]
    found = fill(world, ledger, rows, {"returns": SPELLED_OTHERWISE, "good": rows[:5]})
    assert (found.count, found.keys) == (3000, (("1000001.0",), ("1000002.0",), ("1000003.0",)))
    quarantine("shop", None, 2, json=False)
    shown = capsys.readouterr().out
    assert "3,000 labels match no row; the first is 1000001.0" in shown
    assert "order='1000002.0'" in shown and "1000003.0" not in shown
    quarantine("shop", None, 2, json=True)
    view = json.loads(capsys.readouterr().out)
    assert view["labels_without_row"] == {"count": 3000, "first": [["1000001.0"], ["1000002.0"]]}
    assert (view["batches"], view["label_files"]) == ([], [])


def test_labels_that_all_match_are_none_and_a_file_with_rows_set_aside_is_listed(
    world: World, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fill(world, ledger, ["a", "b"], {"returns": ["b", "a", "a"]}, refused=2) is None
    quarantine("shop", None, 2, json=True)
    view = json.loads(capsys.readouterr().out)
    assert view["labels_without_row"] is None
    (file,) = view["label_files"]
    assert (file["file"], file["status"], file["labels"], file["set_aside"]) == ("returns", "accepted", 3, 2)
    assert [(each["reason"], each["rows"]) for each in file["reasons"]] == [("returned: not readable", 2)]
    quarantine("shop", None, 2, json=False)
    assert "label file returns: 3 labels are used, 2 rows set aside" in capsys.readouterr().out


def test_a_decision_is_named_by_its_first_digits_if_they_are_enough(ledger: Ledger) -> None:
    for usecase, id in (("shop", "abcd1111"), ("shop", "abcd2222"), ("kiosk", "abcf3333")):
        ledger.append(usecase, decision(id, challenger(id, 1), 0).model_copy(update={"usecase": usecase}))
    for given, meant in (("abcd1", "abcd1111"), ("abcf", "abcf3333"), ("abcd2222", "abcd2222")):
        assert find_decision(ledger, given).payload.id == meant
    for given, why in (
        ("abcd", "2 decisions"),
        ("9999", "no decision"),
        ("abc", "first four"),
        ("", "first four"),
    ):
        with pytest.raises(InputError, match=why):
            find_decision(ledger, given)


def test_decision_shows_who_approved_it_and_why(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    stated = Policy.model_validate({"name": "hold", "parameters": {}, "alpha": 0.05})
    changes = {"metrics": (primary_of(0.002),), "outcome": "held", "policy": stated}
    ledger.append("shop", decision("d1d1", challenger("c", 1), 0).model_copy(update=changes))
    show_decision("d1d1", json=False, wide=False)
    assert "Approved" not in capsys.readouterr().out
    ledger.append("shop", Approval(decision="d1d1", by="Ada", reason="seen the slices", as_of="2024-03-02T00:00:00Z"))
    show_decision("d1d1", json=False, wide=False)
    assert "Approved by Ada on 2024-03-02: seen the slices" in capsys.readouterr().out
    show_decision("d1d1", json=True, wide=False)
    (approval,) = json.loads(capsys.readouterr().out)["approvals"]
    assert (approval["by"], approval["reason"]) == ("Ada", "seen the slices")


def test_status_without_a_champion_has_why_the_last_model_was_not_released(
    world: World, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a champion there is none to keep."""
    world.declare()
    kept = decision("d1d1", challenger("c", 1), 0).model_copy(
        update={"outcome": "keep", "reasons": ("The challenger is worse than the naive baseline.",)}
    )
    ledger.append("shop", kept)
    status("shop", json=False)
    told = capsys.readouterr().out
    assert "last decision       not released on batch 2024-02 (d1d1)" in told
    assert "because             The challenger is worse than the naive baseline." in told


def test_an_open_alarm_about_a_held_batch_that_was_accepted_since_shows_that(
    world: World, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    world.declare()
    held = batch("2024-02", batch="held", status="held", held_because=("too few rows",))
    for row in (held, episode("contract", AT, batch="held", severity="page")):
        ledger.append("shop", row)
    status("shop", json=False)
    assert "accepted since" not in capsys.readouterr().out
    ledger.append("shop", batch("2024-02", revision=2, because="waived"))
    status("shop", json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "contract (page) since" in shown
    assert "Batch 2024-02 was accepted since, on 2024-03-01 because a person waived checks. The alarm closes" in shown
    status("shop", json=True)
    view = json.loads(capsys.readouterr().out)
    assert len(view["open_episodes"][0]["repaired"]) == 2
