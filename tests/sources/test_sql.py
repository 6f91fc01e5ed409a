"""A query as a source: batches by its times, the same rows once, and no password anywhere."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perennial.errors import InputError, TransientError
from perennial.ledger.entries import BatchEntry
from perennial.sources.sql import SqlRows
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from tests.training.stores import take_in
from tests.world import World, month_of_rows

QUERY = "SELECT * FROM orders WHERE at >= :start AND at < :end"
SOURCE: dict[str, Any] = {
    "kind": "sql",
    "url_env": "SHOP_URL",
    "query": QUERY,
    "batch": "month",
    "first": "2024-01-01",
}
PASSWORD = "s3cr3t@/pass"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """January and February of the shop, and two orders of March."""
    path = tmp_path / "shop.db"
    rows = [month_of_rows(f"2024-0{m}", rows_a_day=20) for m in (1, 2, 3)]
    with closing(sqlite3.connect(path)) as connection:
        pd.concat([rows[0], rows[1], rows[2][:2]]).to_sql("orders", connection, index=False)
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{path}")
    return path


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def test_batches_are_taken_in_month_by_month(world: World, database: Path) -> None:
    world.declare(source=SOURCE)
    first = take_in("2024-01")
    assert (first.rows.accepted, first.rows.quarantined) == (620, 0)
    change(database, "CREATE TABLE turned AS SELECT * FROM orders ORDER BY price")
    change(database, "DROP TABLE orders")
    change(database, "ALTER TABLE turned RENAME TO orders")
    assert take_in("2024-01") == first, "the same rows in another order are the same batch"
    change(database, "UPDATE orders SET price = price + 1 WHERE at < '2024-01-05'")
    assert take_in("2024-01").revision == 2
    assert take_in("2024-03").rows.accepted == 2


def test_windows_end_with_the_newest_row(database: Path) -> None:
    source = SqlRows("SHOP_URL", QUERY, "month", "2024-01-15", "at", "UTC")
    assert [w.name for w in source.windows()] == ["2024-01", "2024-02", "2024-03"]
    change(database, "DELETE FROM orders")
    assert source.windows() == [], "nothing came yet"


def test_the_query_may_only_read(database: Path) -> None:
    source = SqlRows(
        "SHOP_URL", "DELETE FROM orders WHERE at >= :start AND at < :end", "month", "2024-01-01", "at", "UTC"
    )
    with pytest.raises((InputError, TransientError), match="readonly"):
        source.fetch(SqlRows("SHOP_URL", QUERY, "month", "2024-01-01", "at", "UTC").windows()[0])
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (1202,)


@pytest.mark.parametrize(
    ("address", "error", "shown"),
    [
        (None, InputError, "source.url_env: the environment has no SHOP_URL"),
        (f"no address {PASSWORD}", InputError, "holds no address that SQLAlchemy understands"),
        ("nosuch://u:s3cr3t%40%2Fpass@host/db", InputError, "the driver of SHOP_URL is not installed"),
        ("postgresql+psycopg://u:s3cr3t%40%2Fpass@127.0.0.1:1/db", TransientError, "does not answer"),
        ("sqlite:////nowhere/s3cr3t/shop.db", TransientError, "does not answer"),
    ],
)
def test_a_wrong_address_is_reported_without_the_address(
    address: str | None, error: type[Exception], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_URL", raising=False)
    if address:
        monkeypatch.setenv("SHOP_URL", address)
    with pytest.raises(error, match=shown) as caught:
        SqlRows("SHOP_URL", QUERY, "month", "2024-01-01", "at", "UTC").windows()
    assert "s3cr3t" not in str(caught.value)
    assert address is None or caught.value.__suppress_context__, "a traceback shows no more"


def test_a_wrong_query_is_reported_with_the_databases_words(database: Path) -> None:
    query = "SELECT nope FROM orders WHERE at >= :start AND at < :end"
    with pytest.raises(InputError, match=r"source\.query: the database refuses it: no such column"):
        SqlRows("SHOP_URL", query, "month", "2024-01-01", "at", "UTC").windows()


def test_no_password_comes_into_the_home(
    world: World, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.declare(source=SOURCE)
    monkeypatch.setenv("SHOP_URL", f"sqlite:///file:{database}?uri=true&secret=s3cr3t")
    assert isinstance(take_in("2024-01"), BatchEntry)
    monkeypatch.setenv("SHOP_URL", "postgresql+psycopg://u:s3cr3t@127.0.0.1:1/db")
    with pytest.raises(TransientError):
        take_in("2024-02")
    found = [p for p in (tmp_path / "home").rglob("*") if p.is_file() and b"s3cr3t" in p.read_bytes()]
    assert found == []


@pytest.mark.parametrize(
    ("change", "field", "shown"),
    [
        ({"url_env": "postgresql://u:s3cr3t@host/db"}, "source.url_env", "holds credentials (not shown)"),
        ({"query": "SELECT * FROM orders"}, "source.query", "does not use :start and :end"),
        ({"query": f"DROP TABLE x; {QUERY}"}, "source.query", "is not a single SELECT"),
        ({"first": "January"}, "source.first", "'January' is not a day"),
        ({"kind": "delta", "path": "s3://key:s3cr3t@bucket/t"}, "source.path", "holds credentials (not shown)"),
    ],
)
def test_mistakes_of_a_source_are_reported_without_secrets(
    world: World, change: dict[str, str], field: str, shown: str
) -> None:
    source = {**SOURCE, **change} if "kind" not in change else {**change, "batch": "day"}
    world.declare(source=source)
    with pytest.raises(DeclarationError) as caught:
        load_use_case("shop", world.usecases)
    assert shown in str(caught.value) and "s3cr3t" not in str(caught.value)
    assert [(m.field, "s3cr3t" in str(m.value)) for m in caught.value.mistakes] == [(field, False)]


@pytest.mark.parametrize(
    "condition",
    [
        "carrier NOT LIKE '%:x%'",
        "carrier <> '12:30' AND carrier <> ':start' -- :end; 10:45",
        "carrier <> 'it''s :so' AND \"carrier\" <> 'a::b' /* :nothing */",
        "CAST('7:8' AS text) <> carrier",
        "carrier <> ';'",
    ],
)
def test_a_colon_that_is_no_parameter_stays_one(world: World, database: Path, condition: str) -> None:
    query = f"{QUERY} AND {condition}"
    world.declare(source={**SOURCE, "query": query})
    load_use_case("shop", world.usecases)
    source = SqlRows("SHOP_URL", query, "month", "2024-01-01", "at", "UTC")
    assert [window.name for window in source.windows()] == ["2024-01", "2024-02", "2024-03"]
    assert len(pd.read_parquet(io.BytesIO(source.fetch(source.windows()[0]).data))) == 620
