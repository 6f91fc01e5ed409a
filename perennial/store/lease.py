"""One process at a time for a step of a use case, on all machines that share a ledger on PostgreSQL.

The lease is an advisory lock of a session. PostgreSQL releases it with the connection: at once if the process dies,
within 25 seconds if the machine or the network fails. A process that loses the connection without noticing works on
until it wants to record something: see `turns`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, text

from perennial.identity import digest
from perennial.ledger.ledger import Ledger
from perennial.ledger.turns import Turn, having, next_number
from perennial.store.lock import SOON, WAIT_SECONDS, no_turn, report_wait

_POLL_SECONDS = 0.5
_SESSION = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
_SESSION |= {"idle_session_timeout": "0"}  # a run may compute for hours before it ends its turn

_SET = text("SELECT set_config(name, :value, false) FROM pg_settings WHERE name = :name")  # none of an older server's
_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_HOLDER = text(
    "SELECT activity.application_name FROM pg_locks JOIN pg_stat_activity AS activity USING (pid) "
    "WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (classid::bigint << 32) | objid::bigint = :key"
)
_SINCE = text(_HOLDER.text.replace("activity.application_name", "activity.query_start"))


@contextmanager
def only_one_of_all(
    ledger: Ledger,
    usecase: str,
    step: str,
    seconds: float = WAIT_SECONDS,
    namespace: str = "",
) -> Iterator[None]:
    """Hold the step's lease on a separate connection.

    Raises TransientError if another process holds it longer than `seconds`.
    """
    session = ledger.session()
    try:
        _prepare(session)
        key = _key(usecase, step, namespace)
        _take(session, key, usecase, step, seconds)
        with having(ledger.url, usecase, Turn(key, next_number(session, key))):
            yield
    finally:
        session.invalidate()  # closes the connection, which releases the lease, even if the server is gone
        session.close()


def leased_since(ledger: Ledger, usecase: str, step: str, namespace: str = "") -> datetime | None:
    """Since when a process holds the step's lease: its last question to the server was for it. None if none does."""
    session = ledger.session()
    try:
        since: datetime | None = session.execute(_SINCE, {"key": _key(usecase, step, namespace)}).scalar()
        return since
    finally:
        session.close()


def _key(usecase: str, step: str, namespace: str) -> int:
    name = f"{namespace}/{usecase}" if namespace else usecase
    return int(digest([name, step])[:16], 16) >> 1  # PostgreSQL takes 63 bits and a sign


def _prepare(session: Connection) -> None:
    name = f"process {os.getpid()} on {socket.gethostname()}"[:63]
    for setting, value in {**_SESSION, "application_name": name}.items():
        session.execute(_SET, {"name": setting, "value": value})


def _take(session: Connection, key: int, usecase: str, step: str, seconds: float) -> None:
    start, announced = time.monotonic(), False
    while not session.execute(_TAKE, {"key": key}).scalar_one():
        holder = session.execute(_HOLDER, {"key": key}).scalar() or "another process"
        waited = time.monotonic() - start
        if waited >= SOON and not announced:
            report_wait(usecase, step, holder, seconds)
            announced = True
        if waited > seconds:
            raise no_turn(usecase, step, holder, seconds)
        time.sleep(_POLL_SECONDS)
