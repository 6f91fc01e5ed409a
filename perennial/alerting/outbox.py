"""The outbox in the ledger: a message is a row before it is sent, and its delivery is a row after it.

So a message is sent at least once, and once unless a process dies between the two rows. A target that does not answer
is left alone for longer after each attempt; what it missed is sent when it answers again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from perennial.clock import instant, write_instant
from perennial.ledger.entries import AlertDelivered, AlertFailed, AlertQueued
from perennial.ledger.ledger import Ledger
from perennial.secrets import masked

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
"""The pause doubles with each failed attempt from the first to the longest."""
SECONDS = 15.0
"""No message is begun later than this after a round began, so that a cycle is never held up for longer."""

Send = Callable[[AlertQueued], str]
"""Send one message; empty if the target accepted it, else why not."""


@dataclass(frozen=True)
class Undelivered:
    """A message that no target has accepted yet. failed: the last attempt, None before the first."""

    message: AlertQueued
    failed: AlertFailed | None

    @property
    def attempts(self) -> int:
        """How many attempts failed."""
        return self.failed.attempt if self.failed else 0


def queue(ledger: Ledger, usecase: str, messages: Sequence[AlertQueued]) -> None:
    """Write messages that are due. Each is written once, however often this is called."""
    for message in messages:
        ledger.append(usecase, message)


def queued(ledger: Ledger, usecase: str) -> dict[str, AlertQueued]:
    """Every message so far by its key, the oldest first."""
    return {row.key: row.payload for row in ledger.all(usecase, AlertQueued)}


def undelivered(ledger: Ledger, usecase: str) -> list[Undelivered]:
    """The messages without a delivery, the oldest first."""
    delivered = {row.key for row in ledger.all(usecase, AlertDelivered)}
    waiting = [row for row in ledger.all(usecase, AlertQueued) if row.key not in delivered]
    if not waiting:
        return []
    failed = {row.payload.alert: row.payload for row in ledger.all(usecase, AlertFailed)}
    return [Undelivered(row.payload, failed.get(row.key)) for row in waiting]


def deliver(
    ledger: Ledger,
    usecase: str,
    send: Send,
    now: Callable[[], datetime],
    *,
    targets: Collection[str],
    seconds: float = SECONDS,
) -> list[Undelivered]:
    """Send what is due, and return what is still undelivered.

    targets: that some route leads to; messages to others wait. A target is tried from its oldest message on, up to the
    first that fails, and not before the pause since its last failure is over.
    """
    began, by_target = monotonic(), defaultdict[str, list[Undelivered]](list)
    for each in undelivered(ledger, usecase):
        by_target[each.message.target].append(each)
    for target, waiting in by_target.items():
        if target not in targets or is_left_alone(waiting, now()):
            continue
        for each in waiting:
            if monotonic() - began > seconds or not _attempt(ledger, usecase, each, send, now):
                break
    return undelivered(ledger, usecase) if by_target else []


def is_left_alone(waiting: Sequence[Undelivered], now: datetime) -> bool:
    """Whether the pause since a failed attempt of one of these messages is not over."""
    return any(each.failed is not None and now < instant(each.failed.again_at) for each in waiting)


def _attempt(ledger: Ledger, usecase: str, due: Undelivered, send: Send, now: Callable[[], datetime]) -> bool:
    return record_attempt(ledger, usecase, due, send(due.message), now)


def record_attempt(ledger: Ledger, usecase: str, due: Undelivered, why: str, now: Callable[[], datetime]) -> bool:
    """Record that a message was delivered or, if `why` is not empty, why not; return whether it was."""
    why = masked(why)
    if not why:
        ledger.append(usecase, AlertDelivered(alert=due.message.key))
        return True
    at = now()
    ledger.append(
        usecase,
        AlertFailed(
            alert=due.message.key,
            target=due.message.target,
            attempt=due.attempts + 1,
            at=write_instant(at),
            again_at=write_instant(at + pause_after(due.attempts + 1)),
            why=why,
        ),
    )
    return False


def pause_after(attempts: int) -> timedelta:
    """How long a target is left alone after so many failed attempts.

    >>> [str(pause_after(n)) for n in (1, 2, 7, 10, 100)]
    ['0:01:00', '0:02:00', '1:04:00', '6:00:00', '6:00:00']
    """
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))
