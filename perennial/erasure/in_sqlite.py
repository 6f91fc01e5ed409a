"""Texts in a SQLite database, which a server may have open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from perennial.erasure.own_texts import OwnTexts
from perennial.errors import TransientError

_WAIT_SECONDS = 60


def has_traces(database: Path, own: OwnTexts) -> bool:
    """Whether a value of any table has one of the texts."""
    with _opened(database, own) as connection:
        for table, column in _columns(connection):
            asked = f'SELECT 1 FROM "{table}" WHERE perennial_has("{column}") LIMIT 1'
            if connection.execute(asked).fetchone():
                return True
    return False


def remove(database: Path, own: OwnTexts) -> None:
    """Replace the texts in every value, and write the file again without what was removed before.

    Raises TransientError if a server does not let go of it for a minute.
    """
    with _opened(database, own) as connection:
        try:
            for table, column in _columns(connection):
                connection.execute(
                    f'UPDATE "{table}" SET "{column}" = perennial_without("{column}") WHERE perennial_has("{column}")'
                )
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError as error:
            raise TransientError(f"{database} cannot be written to: {error}") from error
    if busy == 1:
        raise TransientError(f"{database} is in use, so that its log could not be emptied")


@contextmanager
def _opened(database: Path, own: OwnTexts) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.create_function(
            "perennial_has", 1, lambda value: isinstance(value, str) and own.inside(value), deterministic=True
        )
        connection.create_function("perennial_without", 1, own.removed, deterministic=True)
        yield connection


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every stored column of every table."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    stored = [(name, row) for name in tables for row in connection.execute(f'PRAGMA table_xinfo("{name}")')]
    return [(name, row[1]) for name, row in stored if row[6] == 0]
