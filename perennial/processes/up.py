"""`perennial up`: the parts of the stack on this machine, and clearing away what an earlier one left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import psutil
from filelock import FileLock, Timeout

from perennial.errors import InputError
from perennial.processes.at_work import refuse_to_take
from perennial.processes.parts import MARK, addresses_of, parts_of, ports_of
from perennial.processes.prefect_server import Server, running_server, stop_server
from perennial.processes.process_group import stop_group
from perennial.processes.supervisor import Kept, Report, supervise
from perennial.processes.up_record import PartRecord, UpRecord
from perennial.settings import Settings, prepare_home


def up(where: Settings, runs: int, report: Report, ready: Callable[[UpRecord], None]) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP, then stop all of it.

    runs: how many flow runs the worker executes at once. ready: called each time all parts have become ready.
    Raises InputError if the home's stack is running already.
    """
    prepare_home(where)
    stopped = Event()
    with _alone(where), _until_signal(stopped):
        clear(where, keep_server=True)
        ports = ports_of(where)
        record = UpRecord(os.getpid(), psutil.Process().create_time(), ports, addresses_of(where, ports))
        record.write(where)

        def changed(kept: Sequence[Kept]) -> None:
            nonlocal record
            was_ready = record.is_ready
            parts = {each.part.name: PartRecord(each.state, each.pid, each.restarts) for each in kept}
            record = replace(record, parts=parts, addresses=addresses_of(where, ports))
            record.write(where)
            if record.is_ready and not was_ready:
                ready(record)

        try:
            supervise(parts_of(where, ports, runs), stopped, report, changed)
        finally:
            clear(where)
            _note_end(where)


def refuse_second(where: Settings) -> None:
    """Raise InputError if the home's stack is running already."""
    record = UpRecord.read(where)
    if record is not None and record.runs:
        raise _already_up(record)


def down(where: Settings, *, force: bool) -> bool:
    """Stop the home's stack, or what is left of one, and its Prefect server. Returns whether there was anything.

    Raises TransientError, with everything still running, if a command works on the server, unless it is forced.
    """
    record = UpRecord.read(where)
    ran = record is not None and record.runs

    def may_stop(server: Server) -> None:
        if not force:
            refuse_to_take(server, besides=record.pid if record else None)

    if server := running_server(where):
        may_stop(server)
    if record is not None and ran:
        os.kill(record.pid, signal.SIGTERM)
        _wait_for_end(record)
    left = clear(where, may_stop=may_stop)
    _note_end(where)
    return ran or left


def clear(where: Settings, *, keep_server: bool = False, may_stop: Callable[[Server], None] | None = None) -> bool:
    """Stop every process of a stack of this home that nobody supervises any more. Returns whether there was one.

    may_stop: see `stop_server`.
    """
    pids = _left_over(where)
    for pid in pids:
        stop_group(pid)
    return (not keep_server and stop_server(where, may_stop)) or bool(pids)


def _left_over(where: Settings) -> list[int]:
    """Process groups of a stack of this home, the worker's first, so that it does not lose its server."""
    groups: dict[int, bool] = {}
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(where.home):
                works = "worker" in process.cmdline()
                groups[os.getpgid(process.pid)] = groups.get(os.getpgid(process.pid), False) or works
        except (psutil.Error, OSError):
            continue  # the process has ended, or belongs to another user
    server = running_server(where)
    groups.pop(server.pid if server and server.pid else 0, None)
    groups.pop(os.getpgid(0), None)
    return sorted(groups, key=lambda group: not groups[group])


def _wait_for_end(record: UpRecord, seconds: float = 60.0) -> None:
    """Wait until the supervising process has stopped everything; kill it if it does not end."""
    end = time.monotonic() + seconds
    while record.runs and time.monotonic() < end:
        time.sleep(0.1)
    if record.runs:
        os.kill(record.pid, signal.SIGKILL)


def _note_end(where: Settings) -> None:
    """The record keeps the ports for the next time."""
    if record := UpRecord.read(where):
        replace(record, parts={}).write(where)


@contextmanager
def _alone(where: Settings) -> Iterator[None]:
    """Lets one stack per home run. The system releases the lock when its process dies."""
    lock = FileLock(where.locks / "up.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _already_up(UpRecord.read(where)) from None
    try:
        yield
    finally:
        lock.release()


def _already_up(record: UpRecord | None) -> InputError:
    shown = "".join(f"\n  {name}: {address}" for name, address in (record.addresses if record else {}).items())
    return InputError(f"everything is running already on this home{shown}", code="already-up")


@contextmanager
def _until_signal(stopped: Event) -> Iterator[None]:
    """Let the signals that end a command set `stopped` instead."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = {number: signal.signal(number, lambda *_: stopped.set()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
