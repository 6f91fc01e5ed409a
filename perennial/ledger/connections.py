"""Connections to the ledger: within a step, its questions share one; otherwise each is closed after its use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy.pool import ConnectionPoolEntry, NullPool

APART = "perennial_apart"
"""In the information of a connection that is closed after its use, because its settings differ from the others'."""

_Idle = dict[NullPool, list[ConnectionPoolEntry]]

_idle: ContextVar[_Idle | None] = ContextVar("connections of this step that nothing uses now, by engine", default=None)


@contextmanager
def one_connection() -> Iterator[None]:
    """Within it, questions to a ledger that follow each other share a connection, which is closed at the end.

    A step asks dozens of times, and connecting takes longer than asking. Nothing that was read is kept.
    """
    if _idle.get() is not None:
        yield
        return
    idle: _Idle = {}
    token = _idle.set(idle)
    try:
        yield
    finally:
        _idle.reset(token)
        for kept in idle.values():
            for connection in kept:
                connection.close()


class KeptWithinStep(NullPool):
    """A pool that keeps connections only inside `one_connection`."""

    def _do_get(self) -> ConnectionPoolEntry:
        kept = (_idle.get() or {}).get(self)
        return kept.pop() if kept else super()._do_get()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        idle = _idle.get()
        if idle is None or APART in record.info:
            super()._do_return_conn(record)
        else:
            idle.setdefault(self, []).append(record)
