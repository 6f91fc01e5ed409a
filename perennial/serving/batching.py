"""Requests that arrived in the same turn of the event loop are scored together; nothing waits for others to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from perennial.clock import microseconds
from perennial.serving.answering import Answer, Asked, answer_all
from perennial.serving.live import Live
from perennial.serving.log.writing import ServedLog

AT_ONCE = 256
"""Records that a scorer may take in the loop's own thread; more would keep other requests waiting."""

_Waiting = tuple[Asked, "asyncio.Future[Answer]"]


class Together:
    """Answers what is asked of one or several releases. Used by one event loop."""

    def __init__(self, log: ServedLog, now: Callable[[], datetime]) -> None:
        self._log, self._now = log, now
        self._waiting: dict[Live, list[_Waiting]] = {}
        self._busy: set[Live] = set()

    async def answer(self, live: Live, asked: Asked) -> Answer:
        """The answer to one request. Raises as `answer_all` does, for its own records only."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        waiting = self._waiting.setdefault(live, [])
        waiting.append((asked, future))
        if len(waiting) == 1 and live not in self._busy:
            loop.call_soon(self._start, live)
        return await future

    def _start(self, live: Live) -> None:
        waiting = self._waiting.pop(live)
        asked = [each for each, _ in waiting]
        if live.is_quick and sum(each.checked.rows for each in asked) <= AT_ONCE:
            self._settle(waiting, self._answers(live, asked))
            return
        self._busy.add(live)
        working = asyncio.get_running_loop().run_in_executor(None, self._answers, live, asked)

        def ended(done: asyncio.Future[list[Answer | Exception]]) -> None:
            self._busy.discard(live)
            self._settle(waiting, done.result())
            if live in self._waiting:
                self._start(live)

        working.add_done_callback(ended)

    def _answers(self, live: Live, asked: Sequence[Asked]) -> list[Answer | Exception]:
        """An answer or an error for each request: if they fail together, each is tried alone."""
        at = microseconds(self._now())
        try:
            return list(answer_all(live, asked, self._log, at))
        except Exception as problem:  # noqa: BLE001 - it becomes the answer of the requests that it concerns
            if len(asked) == 1:
                return [problem]
            return [each for one in asked for each in self._answers(live, [one])]

    @staticmethod
    def _settle(waiting: Sequence[_Waiting], answers: Sequence[Answer | Exception]) -> None:
        for (_, future), made in zip(waiting, answers, strict=True):
            if future.done():
                continue  # its client has gone
            if isinstance(made, Exception):
                future.set_exception(made)
            else:
                future.set_result(made)
