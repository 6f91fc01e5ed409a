"""One look at many use cases: the same as a look at each, however long their past is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, text

from perennial.ledger.entries import BatchEntry
from perennial.ledger.ledger import Ledger, _kept
from perennial.ledger.many import BatchesNow, ever_held_labels, held_now
from perennial.ledger.present import held_batches, held_labels, last_batch
from tests.cli.test_read_only_home import only_readable
from tests.ledger.payloads import batch, label_batch


def append(ledger: Ledger, usecase: str, window: str, status: str, revision: int = 1) -> None:
    changes = {"window": window, "batch": f"b-{window}-{revision}", "status": status, "revision": revision}
    ledger.append(usecase, batch().model_copy(update=changes | {"held_because": ("few",) * (status == "held")}))


def test_a_held_batch_counts_until_a_newer_revision_of_it_is_accepted(ledger: Ledger) -> None:
    append(ledger, "a", "2024-01", "held")
    append(ledger, "a", "2024-02", "accepted")
    append(ledger, "b", "2024-01", "accepted")
    now = ledger.batches_now()
    assert [each["window"] for each in now["a"].held] == ["2024-01"] and not now["b"].held
    assert now["a"].last is not None and now["a"].last["window"] == "2024-02"
    append(ledger, "a", "2024-01", "held", revision=2)
    assert [each["revision"] for each in ledger.batches_now()["a"].held] == [2]
    append(ledger, "a", "2024-01", "accepted", revision=3)
    requeued = ledger.batches_now()["a"]
    assert not requeued.held
    assert requeued.last is not None and requeued.last["window"] == "2024-02"


histories = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(("1", "10", "x/1", "x/1/1")), st.booleans()))


@given(histories)
@settings(max_examples=40)
def test_many_use_cases_at_once_are_as_each_alone(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, str, bool]]
) -> None:
    ledger, revisions = Ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db"), dict[tuple[str, str], int]()
    for usecase, window, held in history:
        revisions[usecase, window] = revisions.get((usecase, window), 0) + 1
        append(ledger, usecase, window, "held" if held else "accepted", revisions[usecase, window])
    now = ledger.batches_now()
    for usecase in "ab":
        last = last_batch(row.payload for row in ledger.all(usecase, BatchEntry))
        mine = now.get(usecase, BatchesNow())
        assert mine.last == (last.model_dump(mode="json") if last else None)
        alone = {each.batch: each.model_dump(mode="json") for each in held_batches(ledger, usecase)}
        assert {each["batch"]: each for each in mine.held} == alone


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(("r.csv", "R.csv", 'r".csv')), st.booleans())))
@settings(max_examples=40)
def test_held_label_files_of_many_use_cases_are_those_of_each_alone(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, str, bool]]
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    for number, (usecase, file, held) in enumerate(history):
        status = "held" if held else "accepted"
        ledger.append(usecase, label_batch(f"l-{number}", "2024-03-01T00:00:00Z", file=file, status=status))
    now = ledger.batches_now()
    for usecase in "ab":
        alone = {each.batch: each.model_dump(mode="json") for each in held_labels(ledger, usecase)}
        assert {each["batch"]: each for each in now.get(usecase, BatchesNow()).held_labels} == alone


@pytest.mark.parametrize("question", [held_now, ever_held_labels])
def test_what_is_held_is_found_without_reading_accepted_batches(
    ledger: Ledger, question: Callable[[], Select[Any]]
) -> None:
    with ledger._engine.connect() as connection:
        compiled = question().compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[-1] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}".replace(":", r"\:")))]
    assert any("USING INDEX held" in step for step in plan), plan


def without_indexes(ledger: Ledger, file: Path) -> None:
    """As the first version left it."""
    _kept(ledger.url).dispose()
    with closing(sqlite3.connect(file)) as database:
        database.executescript(
            "DROP INDEX held; DROP INDEX usecase_and_kind; UPDATE alembic_version SET version_num = '0001';"
            "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;"
        )


def indexes_of(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}


def test_an_older_ledger_gets_the_indexes_and_who_may_only_read_it_goes_on_without(
    ledger: Ledger, tmp_path: Path
) -> None:
    append(ledger, "a", "2024-01", "held")
    file = tmp_path / "ledger.db"
    without_indexes(ledger, file)
    with only_readable(tmp_path):
        assert len(Ledger(ledger.url).batches_now()["a"].held) == 1
    assert not indexes_of(file) & {"held", "usecase_and_kind"}
    assert len(Ledger(ledger.url).batches_now()["a"].held) == 1
    assert indexes_of(file) >= {"held", "usecase_and_kind"}
