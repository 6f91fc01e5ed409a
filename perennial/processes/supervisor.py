"""Keeps long-running parts alive: starts them in order, restarts what ended after a growing pause, stops them in order.

Its own few lines, because the existing supervisors fit badly: circus and supervisor are daemons with sockets and
configuration files, honcho restarts nothing, and none of them stops a worker before its server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Literal

from perennial.errors import PerennialError
from perennial.processes.log_files import Follower
from perennial.processes.process_group import alive, stop_group

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Seconds before a part is started again: the first pause after the first crash, the last for every later one."""
STEADY_SECONDS = 60.0
"""A part that was ready for so long starts again with the first pause."""
SILENT_SECONDS = 120.0
"""A part that is alive but has not answered for so long is stopped and started again."""
TICK_SECONDS = 0.2
ASK_SECONDS = 5.0

State = Literal["waiting", "starting", "ready", "pausing"]
Report = Callable[[str, str], None]
"""Called with a part's name and one line of text about it or from its log."""


@dataclass(frozen=True)
class Part:
    """A long-running process of the stack.

    start: starts it in its own process group and returns its pid. answers: whether it is ready for work.
    log: where its output goes. after: names of the parts that must be ready before it is started.
    """

    name: str
    start: Callable[[], int]
    answers: Callable[[], bool]
    log: Path
    after: tuple[str, ...] = ()


@dataclass
class Kept:
    """A part and how it is doing. crashes: since it was last steady. restarts: since the beginning."""

    part: Part
    state: State = "waiting"
    pid: int | None = None
    since: float = 0.0
    heard: float = 0.0
    asked: float = 0.0
    crashes: int = 0
    restarts: int = 0
    log: Follower = field(init=False)

    def __post_init__(self) -> None:
        self.log = Follower(self.part.log)


def supervise(parts: Sequence[Part], stopped: Event, report: Report, changed: Callable[[Sequence[Kept]], None]) -> None:
    """Keep the parts alive until `stopped` is set, then stop the newest first, each with its group.

    changed: called after each change of a part's state.
    """
    kept = [Kept(part) for part in parts]
    try:
        while not stopped.is_set():
            before = [(each.state, each.pid) for each in kept]
            ready = {each.part.name for each in kept if each.state == "ready"}
            for each in kept:
                _step(each, ready, report)
                _show_log(each, report)
            if before != [(each.state, each.pid) for each in kept]:
                changed(kept)
            stopped.wait(TICK_SECONDS)
    finally:
        for each in reversed(kept):
            if each.pid is not None:
                report(each.part.name, "stopping")
                stop_group(each.pid)
            _show_log(each, report)


def _step(kept: Kept, ready: set[str], report: Report) -> None:
    """Take one part one step further."""
    now = time.monotonic()
    if kept.pid is not None and not alive(kept.pid):
        _lost(kept, now, "ended unexpectedly", report)
    if kept.state == "waiting" and ready.issuperset(kept.part.after):
        _start(kept, now, report)
    elif kept.state == "pausing" and now - kept.since >= PAUSES[min(kept.crashes, len(PAUSES)) - 1]:
        kept.state = "waiting"
    elif kept.pid is not None:
        _listen(kept, now, report)


def _start(kept: Kept, now: float, report: Report) -> None:
    try:
        kept.pid = kept.part.start()
    except (PerennialError, OSError) as error:
        _lost(kept, now, f"cannot be started: {error}", report)
        return
    kept.state, kept.since, kept.heard = "starting", now, now


def _listen(kept: Kept, now: float, report: Report) -> None:
    """Ask the part whether it is ready: often while it starts, then now and then."""
    if now - kept.asked < (ASK_SECONDS if kept.state == "ready" else 2 * TICK_SECONDS):
        return
    answered = kept.part.answers()
    kept.asked = time.monotonic()
    if answered:
        kept.heard = kept.asked
        if kept.state == "starting":
            kept.state, kept.since = "ready", kept.asked
            report(kept.part.name, "ready again" if kept.restarts else "ready")
        if kept.asked - kept.since > STEADY_SECONDS:
            kept.crashes = 0
    elif kept.asked - kept.heard > SILENT_SECONDS:
        assert kept.pid is not None, "only a started part is asked"
        stop_group(kept.pid)
        _lost(kept, kept.asked, f"did not answer for {SILENT_SECONDS:.0f} s and was stopped", report)


def _lost(kept: Kept, now: float, why: str, report: Report) -> None:
    if kept.pid is not None:
        stop_group(kept.pid)  # what it left running
    kept.pid, kept.state, kept.since = None, "pausing", now
    kept.crashes, kept.restarts = kept.crashes + 1, kept.restarts + 1
    _show_log(kept, report)
    report(kept.part.name, f"{why}; starting it again in {PAUSES[min(kept.crashes, len(PAUSES)) - 1]:.0f} s")


def _show_log(kept: Kept, report: Report) -> None:
    for line in kept.log.new_lines():
        report(kept.part.name, line)
