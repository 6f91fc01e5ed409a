"""The ledger on a real PostgreSQL: append-only, one winner, whole after kills, and a use case that lives on it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
import sqlalchemy.exc
from sqlalchemy import create_engine, text

from perennial.errors import InputError, LedgerBroken, TransientError
from perennial.ledger.entries import KINDS, BatchEntry, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.many import held_now
from perennial.sources.sql import SqlRows
from tests.crashes.agreement import assert_whole
from tests.crashes.processes import Place
from tests.crashes.wall_clock import Shop, ends_as, persons
from tests.ledger.payloads import declaration, one_of_each
from tests.ledger.test_ends import test_the_ends_of_all_chains_are_those_of_each as of_each
from tests.ledger.test_many import test_a_held_batch_counts_until_a_newer_revision_of_it_is_accepted as held_until
from tests.postgres.postgres_server import new_database
from tests.release.test_promoters import race
from tests.world import World

pytestmark = [pytest.mark.extended, pytest.mark.timeout(300)]


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.mark.long
def test_of_two_promoters_one_wins_here_too(database: str) -> None:
    race(database)


@pytest.mark.parametrize("statement", ["UPDATE entries SET payload = '{}'", "DELETE FROM entries", "TRUNCATE entries"])
def test_nobody_changes_a_row_and_who_takes_the_trigger_away_is_found(database: str, statement: str) -> None:
    ledger = Ledger(database)
    for number in range(3):
        ledger.append("shop", declaration(number))
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="the ledger is append-only"):
        execute(database, statement)
    assert ledger.verify("shop") == 3
    execute(database, "DROP TRIGGER entries_no_change ON entries", "UPDATE entries SET key = 'x' WHERE position = 2")
    with pytest.raises(LedgerBroken, match="row 2 of the ledger"):
        ledger.verify("shop")


def test_the_ends_of_all_chains_are_read_at_once_here_too(database: str) -> None:
    of_each(Ledger(database))


def test_held_batches_and_last_ones_are_found_at_once_here_too(database: str) -> None:
    ledger = Ledger(database)
    held_until(ledger)
    with ledger._engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))  # of so few rows every index is as good
        compiled = held_now().compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}")]
    assert any("using held " in step or "on held " in step for step in plan), plan


def append_here(url: str, point: str, kinds: list[str]) -> None:
    """Append a payload of each kind, in a process that dies at a point."""
    os.environ["PERENNIAL_CRASH_AT"] = point
    ledger, payloads = Ledger(url), one_of_each()
    for kind in kinds:
        ledger.append("shop", payloads[kind])


@pytest.mark.long
@pytest.mark.usefixtures("killable")
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_writer_killed_at_any_row_leaves_it_whole_or_not_there(database: str, side: str) -> None:
    ledger, payloads = Ledger(database), one_of_each()
    assert payloads.keys() == KINDS.keys()
    for done, kind in enumerate(KINDS):
        process = multiprocessing.get_context("forkserver").Process(
            target=append_here, args=(database, f"{kind}_row.{side}", [kind])
        )
        process.start()
        process.join(240)
        assert process.exitcode == -signal.SIGKILL, kind
        assert ledger.verify("shop") == done + (side == "after"), kind
        ledger.append("shop", payloads[kind])
        assert [row.key for row in ledger.all("shop", KINDS[kind])] == [payloads[kind].key]
        assert ledger.verify("shop") == done + 1


def append_numbers(url: str, numbers: list[int]) -> None:
    ledger = Ledger(url)
    for number in numbers:
        ledger.append("shop", declaration(number))


def test_processes_that_start_at_once_migrate_once_and_append_in_turns(database: str) -> None:
    context = multiprocessing.get_context("forkserver")
    numbers = [list(range(each, 60, 3)) for each in range(3)]
    processes = [context.Process(target=append_numbers, args=(database, mine)) for mine in numbers]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert Ledger(database).verify("shop") == 60


def test_what_is_out_of_reach_is_reported_without_a_password() -> None:
    with pytest.raises(TransientError, match="does not answer") as told:
        Ledger("postgresql+psycopg://perennial:s3cr3t@127.0.0.1:1/none?connect_timeout=2")
    assert "s3cr3t" not in str(told.value)
    with pytest.raises(InputError, match="the driver it names is not installed") as told_too:
        Ledger("postgresql+nosuch://perennial:s3cr3t@127.0.0.1:1/none")
    assert "s3cr3t" not in str(told_too.value)


def test_a_query_reads_times_without_a_zone_in_the_schemas(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(
        database,
        "CREATE TABLE orders (id int, at timestamp)",
        "INSERT INTO orders VALUES (1, '2024-01-31 23:30'), (2, '2024-02-01 00:30')",
    )
    monkeypatch.setenv("SHOP_URL", database)
    query = "SELECT * FROM orders WHERE at >= :start AND at < :end"
    source = SqlRows("SHOP_URL", query, "month", "2024-01-01", "at", "America/New_York")
    january, february = source.windows()
    assert (january.name, february.name) == ("2024-01", "2024-02")
    assert source.fetch(january).data != source.fetch(february).data
    deleting = SqlRows(
        "SHOP_URL",
        f"WITH x AS (DELETE FROM orders RETURNING *) {query.replace('orders', 'x')}",
        "month",
        "2024-01-01",
        "at",
        "UTC",
    )
    with pytest.raises(InputError, match="read-only"):
        deleting.fetch(january)


A_FEW = {
    "approve": ("approval_row", "release_row", "alias"),
    "doctor": ("sweep", "alias_moved_row", "alias"),
    "rollback": ("release_row", "alias"),
    "waive": ("waiver_row", "accepted_table", "batch_row"),
    "requeue": ("declaration_row", "accepted_table", "batch_row"),
}


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("killable")
def test_commands_that_are_killed_on_the_wall_clock_and_repeated_days_later_have_the_effect_of_one(
    server: str, tmp_path: Path
) -> None:
    more = {"PERENNIAL_DATABASE_URL": new_database(server), "MLFLOW_TRACKING_URI": new_database(server)}
    shop = Shop(Place(tmp_path / "home", tmp_path / "usecases", more), killed=True)
    shop.declare()
    shop.month("2024-01")
    taking_in = ("accepted_table", "batch_row", "snapshot_row", "challenger_row")
    shop.step("2024-02-02T06:00:00Z", "run", "shop", writes=taking_in)
    shop.month("2024-02")
    shop.late_labels("2024-01", known_at="2024-02-10T00:00:00Z")
    deciding = ("labels_table", "labels_row", "decision_row", "release_row", "alias", "mlflow_version")
    shop.step("2024-03-02T06:00:00Z", "run", "shop", writes=deciding)
    points = persons(shop, ("2024-03", "2024-04"), "2024-05", A_FEW)
    assert {point: what for point, what in shop.wrong.items() if what} == {}
    assert shop.killed_at[: len(taking_in)] == [f"2024-02-02 run {write}" for write in taking_in]
    assert shop.killed_at[len(taking_in) :] == [*(f"2024-03-02 run {write}" for write in deciding), *points]
    ends = ends_as(shop.place)
    assert [kind for kind, _ in ends["releases"]] == ["first", "release", "rollback"]
    assert [len(ends[kind]) for kind in ("approvals", "waivers", "moved", "put back", "labels")] == [1] * 5
    revisions = [(window, revision, because) for window, revision, *_, because in ends["batches"]]
    months = ("2024-01", "2024-02", "2024-03")
    again = [("2024-01", 2, "waived"), ("2024-02", 2, "requeued"), ("2024-03", 2, "requeued")]
    assert revisions == [*((month, 1, "arrived") for month in months), *again, ("2024-04", 1, "arrived")]
    assert_whole(shop.place.workspace, "shop")


@pytest.mark.long
@pytest.mark.usefixtures("killable")
def test_a_shop_lives_on_it_through_kills(server: str, tmp_path: Path) -> None:
    more = {"PERENNIAL_DATABASE_URL": new_database(server), "MLFLOW_TRACKING_URI": new_database(server)}
    place = Place(tmp_path / "home", tmp_path / "usecases", more)
    shop = World(place.usecases, rows_a_day=20).declare()
    shop.month("2013-01")
    assert place.run("run", "shop", crash_at="batch_row.after") == -signal.SIGKILL
    place.finish("run", "shop")
    shop.month("2013-02")
    for point in (
        "decision_row.before",
        "release_row.before",
        "alias.before",
        "challenger_row.before",
        "cycle_row.before",
    ):
        assert place.run("run", "shop", crash_at=point) == -signal.SIGKILL
    place.finish("run", "shop")
    ledger = place.workspace.ledger
    assert len(ledger.all("shop", BatchEntry)) == 2 and len(ledger.all("shop", Release)) == 1
    assert_whole(place.workspace, "shop")
    assert not (place.home / "ledger.db").exists() and not (place.home / "mlflow" / "mlflow.db").exists()
