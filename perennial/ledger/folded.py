"""What is made of all rows of a kind, one after another: of rows that this process has seen before, only once.

A use case with years of daily batches has thousands of rows, and a cycle asks many times for what is made of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from perennial.ledger.ledger import Ledger, Payload, Row

State = TypeVar("State")
Result = TypeVar("Result")


@dataclass
class _Far(Generic[State]):
    """What was made of so many rows, of which the last one has that hash, which stands for all before it."""

    state: State
    rows: int = 0
    hash: str = ""


class Folded(Generic[Payload, State]):
    """kind: of the rows. start: makes the state of no row. take: changes it by the next one."""

    def __init__(self, kind: type[Payload], start: Callable[[], State], take: Callable[[State, Payload], None]) -> None:
        self._kind, self._start, self._take = kind, start, take
        self._lock = Lock()
        self._far: dict[tuple[str, str], _Far[State]] = {}

    def read(
        self,
        ledger: Ledger,
        usecase: str,
        given: Callable[[State], Result],
        rows: tuple[Row[Payload], ...] | None = None,
    ) -> Result:
        """What a function makes of the state of all rows. It must copy what it returns: the state changes later.

        rows: where they were read before; now if None.
        """
        rows = ledger.all(usecase, self._kind) if rows is None else rows
        place = (ledger.url, usecase)
        with self._lock:
            # It is put back once it is whole: a run that is ended at its time limit may leave this anywhere.
            far = None if ledger.is_past else self._far.pop(place, None)
            if far is None or far.rows > len(rows) or (far.rows and rows[far.rows - 1].hash != far.hash):
                far = _Far(self._start())
            for row in rows[far.rows :]:
                self._take(far.state, row.payload)
            far.rows, far.hash = len(rows), rows[-1].hash if rows else ""
            if not ledger.is_past:
                self._far[place] = far
            return given(far.state)
