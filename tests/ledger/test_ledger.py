"""The ledger takes a thing once, keeps its order, and shows when somebody changed the past."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy.exc
from sqlalchemy import text

from perennial.errors import InputError, LedgerBroken, TransientError
from perennial.ledger.entries import DeclarationEntry
from perennial.ledger.ledger import Ledger
from tests.ledger.payloads import batch, declaration


def behind_its_back(ledger: Ledger, *statements: str) -> None:
    """Change the file as somebody would who removes the triggers first."""
    with closing(sqlite3.connect(ledger.url.removeprefix("sqlite:///"))) as database, database:
        for verb in ("update", "delete"):
            database.execute(f"DROP TRIGGER IF EXISTS entries_no_{verb}")
        for statement in statements:
            database.execute(statement)


def test_appending_twice_is_appending_once(ledger: Ledger) -> None:
    first, written = ledger.append("shop", declaration(1))
    again, written_again = ledger.append("shop", declaration(1))
    assert (written, written_again) == (True, False)
    assert again == first
    assert ledger.verify("shop") == 1


def test_whoever_comes_second_under_a_key_gets_what_the_first_wrote(ledger: Ledger) -> None:
    ledger.append("shop", batch(digest="first"))
    row, written = ledger.append("shop", batch(digest="second"))
    assert (row.payload.digest, written) == ("first", False)
    assert [r.payload.digest for r in ledger.all("shop", type(batch()))] == ["first"]


def test_each_use_case_has_a_separate_chain(ledger: Ledger) -> None:
    for number in range(3):
        ledger.append("shop", declaration(number))
    ledger.append("flights", declaration(0))
    assert ledger.usecases() == ["flights", "shop"]
    assert (ledger.verify("shop"), ledger.verify("flights"), ledger.verify("nobody")) == (3, 1, 0)
    assert [r.position for r in ledger.all("shop", DeclarationEntry)] == [1, 2, 3]
    assert ledger.get("flights", DeclarationEntry, "d2") is None


def test_rows_read_once_are_read_anew_after_another_ledger_was_restored(ledger: Ledger) -> None:
    for number in range(3):
        ledger.append("shop", declaration(number))
    assert len(ledger.all("shop", DeclarationEntry)) == 3
    behind_its_back(ledger, "DELETE FROM entries WHERE position > 1")
    assert [r.key for r in ledger.all("shop", DeclarationEntry)] == ["d0"], "an older backup"
    ledger.append("shop", declaration(7))
    ledger.append("shop", declaration(8))
    assert [r.key for r in Ledger(ledger.url).all("shop", DeclarationEntry)] == ["d0", "d7", "d8"]
    behind_its_back(ledger, "DELETE FROM entries WHERE usecase = 'shop'")
    assert ledger.all("shop", DeclarationEntry) == ()
    ledger.append("shop", declaration(9))
    assert [r.key for r in ledger.all("shop", DeclarationEntry)] == ["d9"]
    assert ledger.before(1).all("shop", DeclarationEntry) == ()


def test_a_kind_is_read_once_however_many_rows_of_other_kinds_follow(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, former = list[str](), ledger._of_kind

    def noted(usecase: str, payload: type[Any]) -> Any:
        whole.append(usecase)
        return former(usecase, payload)

    monkeypatch.setattr(ledger, "_of_kind", noted)
    ledger.append("shop", declaration(0))
    assert ledger.all("shop", type(batch())) == ()
    for number in range(1, 5):
        ledger.append("shop", declaration(number))
        assert ledger.all("shop", type(batch())) == ()
    ledger.append("shop", batch("2024-01"))
    ledger.append("shop", declaration(5))
    ledger.append("shop", batch("2024-02"))
    assert [r.payload.window for r in ledger.all("shop", type(batch()))] == ["2024-01", "2024-02"]
    assert len(whole) == 1
    behind_its_back(ledger, "DELETE FROM entries WHERE position > 6")
    assert [r.payload.window for r in ledger.all("shop", type(batch()))] == ["2024-01"], "a backup in between"
    assert len(whole) == 2


def test_a_changed_payload_shows(ledger: Ledger) -> None:
    for number in range(3):
        ledger.append("shop", declaration(number))
    behind_its_back(ledger, "UPDATE entries SET payload = replace(payload, '1', '7') WHERE position = 2")
    with pytest.raises(LedgerBroken, match=r"shop: row 2 of the ledger \(declaration d1\) was changed"):
        ledger.verify("shop")


def test_a_removed_row_shows(ledger: Ledger) -> None:
    for number in range(3):
        ledger.append("shop", declaration(number))
    behind_its_back(ledger, "DELETE FROM entries WHERE position = 2")
    with pytest.raises(LedgerBroken, match="shop: row 2 of the ledger is missing or out of order"):
        ledger.verify("shop")


def test_a_row_whose_time_was_changed_shows(ledger: Ledger) -> None:
    ledger.append("shop", declaration(0))
    behind_its_back(ledger, "UPDATE entries SET recorded_at = '2020-01-01T00:00:00Z'")
    with pytest.raises(LedgerBroken, match="row 1"):
        ledger.verify("shop")


@pytest.mark.parametrize("statement", ["UPDATE entries SET payload = '{}'", "DELETE FROM entries"])
def test_the_database_itself_refuses_to_change_the_past(ledger: Ledger, statement: str) -> None:
    ledger.append("shop", declaration(0))
    with (
        closing(sqlite3.connect(ledger.url.removeprefix("sqlite:///"))) as database,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        database.execute(statement)
    assert ledger.verify("shop") == 1


@pytest.mark.parametrize(
    ("column", "value"), [("key", "'d0'"), ("previous_hash", "(SELECT previous_hash FROM entries)"), ("position", "1")]
)
def test_no_two_rows_share_key_predecessor_or_place(ledger: Ledger, column: str, value: str) -> None:
    ledger.append("shop", declaration(0))
    columns = {
        "usecase": "'shop'",
        "position": "2",
        "kind": "'declaration'",
        "key": "'d1'",
        "recorded_at": "'now'",
        "payload": "'{}'",
        "previous_hash": "'h'",
        "hash": "'i'",
        column: value,
    }
    with (
        ledger._engine.connect() as connection,
        connection.begin(),
        pytest.raises(sqlalchemy.exc.IntegrityError, match="UNIQUE"),
    ):
        connection.execute(text(f"INSERT INTO entries ({', '.join(columns)}) VALUES ({', '.join(columns.values())})"))


def test_a_newer_ledger_is_refused_before_anything_changes(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append("shop", declaration(0))
    behind_its_back(ledger, "UPDATE alembic_version SET version_num = '9999'")
    file = tmp_path / "ledger.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()
    with pytest.raises(
        InputError, match=r"version 9999, but this Perennial reads versions up to 0002. Upgrade Perennial"
    ):
        Ledger(ledger.url)
    assert file.read_bytes() == before


def test_a_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "ledger.db"
    folder.mkdir()
    with pytest.raises(TransientError, match="does not answer"):
        Ledger(f"sqlite:///{folder}")


def test_two_processes_write_at_once_and_no_row_is_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    writers = [context.Process(target=append_rows, args=(url, who, 100, barrier)) for who in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    ledger = Ledger(url)
    assert ledger.verify("shop") == 200 + 50
    keys = [row.key for row in ledger.all("shop", DeclarationEntry)]
    assert set(keys) == {f"d{who}{n}" for who in "ab" for n in range(100)} | {f"dboth{n}" for n in range(50)}


def append_rows(url: str, who: str, rows: int, barrier: Barrier) -> None:
    """Append distinct rows, every other time together with one that the other process appends too."""
    barrier.wait(60)
    ledger = Ledger(url)  # both migrate the empty file at the same time
    for number in range(rows):
        ledger.append("shop", declaration(f"{who}{number}"))
        if number % 2 == 0:
            ledger.append("shop", declaration(f"both{number // 2}"))
