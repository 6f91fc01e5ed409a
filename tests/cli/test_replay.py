"""Decisions computed again: the same to the last bit, or the first thing that differs and why."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from perennial.ledger.entries import Decision
from perennial.our_columns import BATCH
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial, payloads
from tests.world import World

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def decided(settled: World, perennial: Perennial) -> Path:
    """A first release and a decision against it; the home."""
    settled.month("2024-03")
    assert perennial("run", "shop").code == 0
    return settled.usecases.parent / "home"


def replayed(perennial: Perennial, *more: str) -> list[dict[str, Any]]:
    shown = perennial("replay", "shop", "--json", *more)
    found: list[dict[str, Any]] = json.loads(shown.out)
    assert shown.code == (1 if any(each["difference"] for each in found) else 0)
    return found


def test_every_decision_comes_out_the_same_whatever_came_later(decided: Path, perennial: Perennial) -> None:
    tables = open_workspace(settings()).tables
    table = tables.read("shop", "accepted", list(tables.batches("shop", "accepted")))
    assert table is not None
    late = table.slice(0, 5).set_column(table.column_names.index(BATCH), BATCH, [["later"] * 5])
    tables.append("shop", "accepted", late.append_column("colour", [["red"] * 5]), "later")
    for how in ((), ("--deep",)):
        found = replayed(perennial, *how)
        assert len(found) == 2 and all(each["exact"] and each["difference"] is None for each in found)
        assert all(each["numbers"] > 100 for each in found)
        one = perennial("replay", found[0]["decision"][:8], *how)
        assert one.code == 0 and f"{found[0]['numbers']} numbers the same, to the last bit" in one.out


def test_a_changed_row_of_the_ledger_is_found_and_named(decided: Path, perennial: Perennial) -> None:
    whole = perennial("ledger", "verify", "shop")
    assert whole.code == 0 and "all intact" in whole.out
    with closing(sqlite3.connect(decided / "ledger.db")) as database, database:
        database.execute("DROP TRIGGER entries_no_update")
        database.execute('UPDATE entries SET payload = replace(payload, \'"outcome":"first"\', \'"outcome":"keep"\')')
    for command in (
        ("ledger", "verify"),
        ("ledger", "verify", "shop"),
        ("replay", "shop"),
        ("replay", "shop", "--deep"),
    ):
        shown = perennial(*command)
        assert shown.code == 1 and "(decision " in shown.err and "was changed after it was written" in shown.err, (
            command
        )


def test_a_changed_byte_of_a_model_is_found_and_named(decided: Path, perennial: Perennial) -> None:
    version = next(p for p in payloads(Decision) if isinstance(p, Decision)).challenger
    folder = open_workspace(settings()).registry.folder("shop", version)
    (file,) = folder.rglob("*.skops")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    first, second = replayed(perennial, "--deep")
    for each in (first, second):  # the challenger of the one is the champion of the other
        assert each["difference"]["field"] == "models" and "model bytes changed" in each["difference"]["cause"]
    assert all(each["difference"] is None for each in replayed(perennial)), "the sums need no model"


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_file_of_the_data_is_found_and_named(decided: Path, perennial: Perennial, damage: str) -> None:
    judged = [p for p in payloads(Decision) if isinstance(p, Decision)][-1]
    files = (decided / "tables" / "shop" / "accepted").glob("*.parquet")
    (march,) = (file for file in files if pq.read_table(file).column("at")[0].as_py().month == 3)
    data = bytearray(march.read_bytes())
    data[len(data) // 3] ^= 1
    march.write_bytes(bytes(data)) if damage == "changed" else march.unlink()
    first, second = replayed(perennial, "--deep")
    assert first["difference"] is None, "of this its rows did not evaluate"
    assert second["decision"] == judged.id
    shown = f"{second['difference']['field']}: {second['difference']['cause']}"
    named = "evaluation.digest: values were changed" in shown and "2024-03" in shown
    assert (named and damage == "changed") or (march.name in shown and "cannot be read" in shown), shown


def test_other_libraries_are_named_and_small_differences_borne(
    decided: Path, perennial: Perennial, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perennial.deciding import replay
    from perennial.model import environment

    elsewhere = environment.libraries() | {"numpy": "9.9.9"}
    monkeypatch.setattr(replay, "libraries", lambda: elsewhere)
    assert all(not each["exact"] and each["difference"] is None for each in replayed(perennial))
    monkeypatch.setattr(replay, replay.judge.__name__, lambda *a, **k: judged_otherwise(*a, **k))
    for each in replayed(perennial):
        assert each["difference"]["field"] == "metrics.log_loss.se"
        assert "numpy" in each["difference"]["cause"] and "9.9.9" in each["difference"]["cause"]


def judged_otherwise(*arguments: Any, **named: Any) -> Any:
    """As another library might: the standard error differs in the third digit."""
    from perennial.evaluation.judgement import judge

    found = judge(*arguments, **named)
    return found.model_copy(update={"se": found.se * 1.01 if found.se else None})


def test_what_is_no_decision_is_refused(settled: World, perennial: Perennial) -> None:
    shown = perennial("replay", "ffff")
    assert shown.code == 2 and "no decision with an id that begins with 'ffff'" in shown.err
    shown = perennial("ledger", "verify", "shoop")
    assert shown.code == 2 and "the ledger has no row of 'shoop'; it has shop" in shown.err
