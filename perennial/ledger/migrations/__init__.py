"""Migrates a ledger to the current version. Alembic is imported only if there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from perennial.errors import InputError, TransientError

HEAD = "0002"


def bring_up_to_date(engine: Engine, url: str) -> None:
    """Run the migrations that are missing. Raises InputError for a newer ledger, TransientError if out of reach."""
    try:
        with engine.connect() as connection:
            current = _version(connection)
    except OperationalError as error:
        raise TransientError(f"the ledger at {url} does not answer: {error.orig}", code="ledger-unreachable") from error
    if current == HEAD:
        return
    if current is not None and current < HEAD and engine.url.query.get("mode") == "ro":
        return  # whoever may only read goes on without the newer indexes: they change no answer
    if current is not None and current > HEAD:
        raise InputError(
            f"PERENNIAL_DATABASE_URL: the ledger at {url} has version {current}, but this Perennial reads versions up "
            f"to {HEAD}. Upgrade Perennial; nothing was changed."
        )
    _upgrade(engine)


def _version(connection: Connection) -> str | None:
    """The version of the ledger, None before its first migration: asked every time, since a file can be replaced."""
    version = text("SELECT version_num FROM alembic_version")
    if connection.dialect.name == "sqlite":
        known = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")).scalar()
    else:
        known = inspect(connection).has_table("alembic_version")
    return connection.execute(version).scalar() if known else None


def take_turns(connection: Connection, what: str) -> None:
    """Wait until no other transaction writes to the same chain: PostgreSQL has no BEGIN IMMEDIATE.

    The lock is released with the transaction.
    """
    if connection.dialect.name == "postgresql":
        turn = text("SELECT pg_advisory_xact_lock(hashtext('perennial'), hashtext(:what))")
        connection.execute(turn, {"what": what})


def _upgrade(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    # One writer at a time: a second process waits here and then has nothing left to do.
    with engine.connect().execution_options(perennial_write=True) as connection, connection.begin():
        take_turns(connection, "migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
