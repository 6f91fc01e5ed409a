"""The turns that this process has, with the number that PostgreSQL gave to each.

A process that is paused, or cut off from the network, can lose its turn without noticing. Each turn has a number that
is one higher than that of the turn before, and whoever appends a row in a turn first reads the number within the same
transaction: a row of a lost turn is refused, and a new turn waits until the transaction of the former one has ended.
Source: Kleppmann (2016), How to do distributed locking: fencing tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import Connection, text

from perennial.errors import TurnLost
from perennial.ledger.migrations import take_turns

_KNOWN = text("SELECT to_regclass('turns') IS NOT NULL")
_MAKE = text("CREATE TABLE IF NOT EXISTS turns (key bigint PRIMARY KEY, number bigint NOT NULL)")
_NEXT = text(
    "INSERT INTO turns AS turn VALUES (:key, 1) ON CONFLICT (key) DO UPDATE SET number = turn.number + 1 "
    "RETURNING number"
)
_NOW = text("SELECT number FROM turns WHERE key = :key FOR SHARE")


@dataclass(frozen=True)
class Turn:
    """key: of a use case's step, see `lease`. number: of this turn."""

    key: int
    number: int


_mine: dict[tuple[str, str], list[Turn]] = {}
"""By the ledger's address and the use case, of every thread: a run works in several."""
_changing = Lock()


def next_number(session: Connection, key: int) -> int:
    """The number of the turn that begins, which ends the former one. session: in autocommit mode, and has the lease.

    The table is made at first use, and not by a migration, because only a ledger on PostgreSQL has one and a ledger
    that may only be read has no turns.
    """
    if not session.execute(_KNOWN).scalar_one():
        with session.engine.connect() as connection, connection.begin():
            take_turns(connection, "migrations")
            connection.execute(_MAKE)
    number: int = session.execute(_NEXT, {"key": key}).scalar_one()
    return number


@contextmanager
def having(ledger: str, usecase: str, turn: Turn) -> Iterator[None]:
    """Within it, this process appends rows of the use case only as long as the turn is not another's."""
    with _changing:
        _mine.setdefault((ledger, usecase), []).append(turn)
    try:
        yield
    finally:
        with _changing:
            _mine[ledger, usecase].remove(turn)


def require(connection: Connection, ledger: str, usecase: str) -> None:
    """Keep every turn that this process has of a use case until the transaction ends. Raises TurnLost."""
    for turn in tuple(_mine.get((ledger, usecase), ())):
        if connection.execute(_NOW, {"key": turn.key}).scalar() != turn.number:
            raise TurnLost(
                f"{usecase}: this run lost its turn to another process while it was paused or cut off",
                value=turn.number,
                fix="Nothing of it was recorded since. The other run does the rest; run the same command again to be "
                "sure that nothing is left.",
            )
