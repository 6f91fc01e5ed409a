"""Texts of erased rows in the tables that a server of Prefect or MLflow keeps on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from perennial.erasure.databases import databases, has_traces, remove_from_database
from perennial.erasure.own_texts import OwnTexts
from perennial.errors import InputError, TransientError
from perennial.settings import settings
from tests.erasure.search import files_with
from tests.places import lead_to

pytestmark = [pytest.mark.extended, pytest.mark.timeout(300)]

OWN = OwnTexts(("ADA-7731", "987.654"))
TABLES = (
    'CREATE TABLE "Log" (id int PRIMARY KEY, "the message" text, tags varchar[], at timestamptz DEFAULT now())',
    "CREATE TABLE artifact (data jsonb, twice text GENERATED ALWAYS AS (data ->> 'who') STORED)",
    "CREATE TABLE entries (payload text)",
    "INSERT INTO \"Log\" VALUES (1, 'row ADA-7731 was set aside', '{ADA-7731,x}'), (2, 'ADA-77310', NULL)",
    """INSERT INTO artifact VALUES ('{"seen": [987.654, 2], "who": "ADA-7731"}')""",
)


@pytest.fixture
def prefect(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with such texts, as the one of the home's Prefect server; the address for SQLAlchemy."""
    lead_to(monkeypatch, tmp_path)
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", database.replace("+psycopg", "+asyncpg"))
    _run(database, *TABLES)
    return database


def _run(address: str, *statements: str) -> list[tuple[object, ...]]:
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            results = [connection.execute(text(each.replace(": ", "\\: "))) for each in statements]
            return [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
    finally:
        engine.dispose()


def test_no_byte_of_the_servers_files_has_one_of_them_and_the_rest_stays(prefect: str) -> None:
    (database,) = databases(settings())
    assert has_traces(database, OWN)
    remove_from_database(database, OWN)
    assert not has_traces(database, OWN)
    assert _run(prefect, 'SELECT id, "the message", tags FROM "Log" ORDER BY id') == [
        (1, "row [erased] was set aside", ["[erased]", "x"]),
        (2, "ADA-77310", None),
    ]
    assert _run(prefect, "SELECT data, twice FROM artifact") == [({"seen": [None, 2], "who": "[erased]"}, "[erased]")]
    ((oid,),) = _run(prefect, "CHECKPOINT", "SELECT oid FROM pg_database WHERE datname = current_database()")
    ((folder,),) = _run(prefect, "SHOW data_directory")
    assert files_with(Path(str(folder)) / "base" / str(oid), ["row ADA-7731 was", "987.654"]) == []


def test_a_table_that_is_kept_is_waited_for_and_a_missing_right_is_named(
    prefect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (database,) = databases(settings())
    monkeypatch.setattr("perennial.erasure.in_postgres._WAIT", "100ms")
    engine = create_engine(prefect)
    with engine.begin() as other:
        other.execute(text('LOCK TABLE "Log"'))
        with pytest.raises(TransientError, match="cannot be written to"):
            remove_from_database(database, OWN)
    engine.dispose()
    _run(prefect, "CREATE ROLE reader LOGIN", 'GRANT SELECT ON "Log", artifact TO reader')
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", prefect.replace("perennial@", "reader@"))
    (as_reader,) = databases(settings())
    with pytest.raises(InputError, match="cannot be replaced: permission denied") as refused:
        remove_from_database(as_reader, OWN)
    assert "the right to change these tables" in refused.value.fix
    assert has_traces(database, OWN)
