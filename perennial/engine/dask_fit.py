"""A fit on the workers of a Dask cluster: calls that run at the same time, each on a certain worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

from perennial.engine.engine import File, Result
from perennial.engine.together import GRACE, Meeting, Rank, cause, in_threads, is_lost

if TYPE_CHECKING:
    from distributed import Client, Future, Worker

_POLL = 1.0
_TURN = "perennial-train"
_SCHEDULER, _WORKER = "was lost", "lost a worker"
_MEETINGS: dict[str, Meeting] = {}
"""Of this process, if it is a worker."""


class Lost(Exception):
    """What of a cluster was lost before all calls had ended, in words."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@contextmanager
def turn_of(client: Client) -> Iterator[None]:
    """One fit at a time: two that each wait for a worker of the other would never end.

    It lasts until the end of the block; if this process is killed, half a minute longer. Raises Lost.
    """
    from distributed import Semaphore

    turn = Semaphore(1, _TURN, client.scheduler, client.loop)
    with _scheduler():
        while not turn.acquire(timeout=_POLL):
            pass
    try:
        yield
    finally:
        with suppress(OSError):  # a scheduler that is gone has no turns
            turn.release()


def train_on(
    client: Client, workers: Sequence[str], step: str, function: Callable[[File, Rank], Result], files: Sequence[File]
) -> list[Result]:
    """As `Engine.train`. Of two workers, one gets as many calls as the other, or one more.

    Raises the error that ended the calls, Lost.
    """
    ends = [len(files) * number // len(workers) for number in range(len(workers) + 1)]
    shares = {
        worker: slice(start, end) for worker, (start, end) in zip(workers, pairwise(ends), strict=True) if end > start
    }
    calls: list[Future[list[Result]]] = []
    with _meeting(client, next(iter(shares)), len(files)) as ranks:
        try:
            for worker, share in shares.items():
                calls.append(
                    client.submit(
                        in_threads,
                        function,
                        files[share],
                        ranks[share],
                        key=f"perennial-{step}-{uuid4().hex}",
                        workers=[worker],
                        pure=False,
                    )
                )
            _wait(client, calls, {*shares})
            return list(chain.from_iterable(call.result() for call in calls))
        finally:
            client.cancel(calls)


def _wait(client: Client, calls: Sequence[Future[list[Result]]], workers: set[str]) -> None:
    """Until all calls have given a result."""
    from distributed import TimeoutError, wait

    late = 0.0
    while late <= GRACE and not all(call.done() for call in calls):
        with suppress(TimeoutError), client.as_current():
            wait(calls, timeout=_POLL)
        late += _POLL * any(call.status == "error" for call in calls)
        with _scheduler():
            if workers - client.nthreads().keys():
                raise Lost(_WORKER)
    if any(call.status in ("cancelled", "lost") for call in calls):
        raise Lost(_SCHEDULER)
    errors = [error for call in calls if (error := call.exception() if call.status == "error" else None) is not None]
    if errors:
        first = cause(errors)
        if is_lost(first):
            raise Lost(_WORKER) from first
        raise first


@contextmanager
def _scheduler() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Lost(_SCHEDULER) from error


@contextmanager
def _meeting(client: Client, worker: str, calls: int) -> Iterator[list[Rank]]:
    """A meeting on a worker, which every other one can reach."""
    name = uuid4().hex
    try:
        yield client.run(_begin, name, calls, workers=[worker])[worker]
    finally:
        client.run(_end, name, workers=[worker], on_error="ignore")


def _begin(name: str, calls: int, dask_worker: Worker) -> list[Rank]:
    from distributed.comm import get_address_host

    _MEETINGS[name] = Meeting(get_address_host(dask_worker.address), calls)
    return _MEETINGS[name].ranks


def _end(name: str) -> None:
    _MEETINGS.pop(name).end()
