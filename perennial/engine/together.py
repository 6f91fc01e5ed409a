"""Calls that run at the same time and add up numbers between them, as XGBoost's `collective` does.

Each call has a rank, and XGBoost adds in the order of the ranks: results depend on how many there are, and not on the
threads, processes or machines that they run in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from ctypes import CFUNCTYPE, c_char_p
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from perennial.engine.engine import File, Result
from perennial.errors import PerennialError

if TYPE_CHECKING:
    from xgboost.tracker import RabitTracker

log = logging.getLogger("perennial.engine")

_MEETING = 600
"""Seconds that the first call waits for the last one to start, which may stand behind other work."""
_BEHIND = 1800
"""Seconds that a call may be behind the others."""

GRACE = 2
"""Seconds within which all calls report that one of them has failed."""

_LOGGED = CFUNCTYPE(None, c_char_p)(lambda message: log.debug(message.decode()))


@dataclass(frozen=True)
class Rank:
    """One of the calls. meeting: where it finds the others."""

    number: int
    meeting: Mapping[str, str | int]

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Numbers of this thread are added to those of the other calls until the end of the block."""
        from xgboost.collective import CommunicatorContext
        from xgboost.core import _LIB

        _LIB.XGBRegisterLogCallback(_LOGGED)  # of this thread; XGBoost would print which rank it got
        with CommunicatorContext(dmlc_task_id=f"{self.number:06}", dmlc_timeout=_BEHIND, **self.meeting):
            yield


class Meeting:
    """Where so many calls find each other, in this process. host: the address at which their processes reach it."""

    def __init__(self, host: str, calls: int) -> None:
        from xgboost.tracker import RabitTracker

        self._tracker = RabitTracker(calls, host, sortby="task", timeout=_MEETING)
        self._tracker.start()
        self.ranks = [Rank(number, self._tracker.worker_args()) for number in range(calls)]
        Thread(target=_until_all_left, args=[self._tracker], daemon=True).start()

    def end(self) -> None:
        """Calls that wait for others fail."""
        from xgboost.core import XGBoostError

        with suppress(XGBoostError):  # calls that were lost never took their leave
            self._tracker.free()


def _until_all_left(tracker: RabitTracker) -> None:
    from xgboost.core import XGBoostError

    with suppress(XGBoostError):
        tracker.wait_for()


def in_threads(function: Callable[[File, Rank], Result], files: Sequence[File], ranks: Sequence[Rank]) -> list[Result]:
    """The result of each file and rank, all in this process.

    Raises the error that ended them. Those that still wait for others end with their meeting.
    """
    pool = ThreadPoolExecutor(len(ranks))
    calls = [pool.submit(function, file, rank) for file, rank in zip(files, ranks, strict=True)]
    pool.shutdown(wait=False)
    _, late = wait(calls, return_when=FIRST_EXCEPTION)
    wait(late, timeout=GRACE)
    errors = [error for call in calls if call.done() and (error := call.exception()) is not None]
    if errors:
        raise cause(errors)
    return [call.result() for call in calls]


def cause(errors: Sequence[BaseException]) -> BaseException:
    """The error that ended all calls: the others only report that they lost the connection to it."""
    return min(errors, key=lambda error: (is_lost(error), not isinstance(error, PerennialError)))


def is_lost(error: BaseException) -> bool:
    """Whether it is about the connection to another call."""
    return type(error).__name__ == "XGBoostError" and "/collective/" in str(error)
