"""Texts in a PostgreSQL database, which a server may have open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from perennial.erasure.own_texts import OwnTexts
from perennial.errors import InputError, TransientError
from perennial.secrets import masked
from perennial.store.stream import quoted

if TYPE_CHECKING:
    from sqlalchemy import Connection

_WAIT = "60s"
_LEDGER = "entries"
"""The ledger's table, which may be in the same database. Nothing can be removed from its chain."""
_TEXTS = ("text", "varchar", "bpchar", "json", "jsonb", "_text", "_varchar")
_NO_PRIVILEGE = "42501"


class _Column(NamedTuple):
    schema: str
    table: str
    name: str
    type: str

    @property
    def of(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.table)}"


def has_traces(address: str, own: OwnTexts) -> bool:
    """Whether a value of any table has one of the texts."""
    with _connected(address) as connection:
        return any(next(_rows(connection, column, own), None) for column in _columns(connection))


def remove(address: str, own: OwnTexts) -> None:
    """Replace the texts in every value, then write each changed table again without what was removed before.

    Raises TransientError if another transaction keeps a table for a minute, InputError without the right to write.
    """
    from sqlalchemy import text

    with _connected(address) as connection:
        columns = list(_columns(connection))
        for column in columns:
            new = text(
                f"UPDATE {column.of} SET {quoted(column.name)} = CAST(:new AS {column.type}) "
                "WHERE ctid = CAST(:place AS tid)"
            )
            for place, value in list(_rows(connection, column, own)):
                connection.execute(new, {"new": own.removed(value), "place": place})
        for table in _with_former_rows(connection, {column.of for column in columns}):
            connection.execute(text(f"VACUUM FULL {table}"))


@contextmanager
def _connected(address: str) -> Iterator[Connection]:
    """Each statement is a transaction, since VACUUM cannot be in one."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    url = make_url(address).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SET lock_timeout = '{_WAIT}'")
            yield connection
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _NO_PRIVILEGE:
            raise InputError(
                f"{masked(address)}: the texts of the rows cannot be replaced: {masked(str(error.orig))}",
                fix="Give the user of the address the right to change these tables, then run the same command again.",
            ) from error
        raise TransientError(f"{masked(address)} cannot be written to: {masked(str(error.orig))}") from error


def _columns(connection: Connection) -> Iterator[_Column]:
    """Every column of texts of every table."""
    from sqlalchemy import bindparam, text

    asked = text(
        "SELECT table_schema, table_name, column_name, udt_name FROM information_schema.columns "
        "JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_type = 'BASE TABLE' AND is_generated = 'NEVER' AND udt_name IN :types AND table_name <> :ledger "
        "AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3"
    ).bindparams(bindparam("types", expanding=True))
    for row in connection.execute(asked, {"types": _TEXTS, "ledger": _LEDGER}).all():
        yield _Column(*row)


def _rows(connection: Connection, column: _Column, own: OwnTexts) -> Iterator[tuple[str, str]]:
    """Place and value, as a text, of each row that has one of the texts."""
    name = quoted(column.name)
    asked = f"SELECT CAST(ctid AS text), CAST({name} AS text) FROM {column.of} WHERE {name} IS NOT NULL"
    for place, value in connection.exec_driver_sql(asked):
        if own.inside(value):
            yield place, value


def _with_former_rows(connection: Connection, tables: set[str]) -> list[str]:
    """The tables with rows that were replaced, by this call or by one that was killed."""
    from sqlalchemy import text

    connection.execute(text("SELECT pg_stat_force_next_flush()"))
    asked = text("SELECT schemaname, relname FROM pg_stat_user_tables WHERE n_dead_tup > 0 ORDER BY 1, 2")
    replaced = [f"{quoted(schema)}.{quoted(table)}" for schema, table in connection.execute(asked)]
    return [table for table in replaced if table in tables]
