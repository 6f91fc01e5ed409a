"""The scoring service as a process: uvicorn with one worker, or several that share a port.

Run as `python -m perennial.processes.service PORT` for all use cases on this machine's address.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec

from perennial.access.access import Access, refuse_open, service_access
from perennial.processes.making import made_by_another_process
from perennial.processes.ports import HOST
from perennial.serving.application import Service
from perennial.serving.following import Follower
from perennial.serving.log.writing import ServedLog
from perennial.serving.slots import ServicePlace, Slot
from perennial.settings import Settings, prepare_home, settings
from perennial.store.workspace import reading_workspace
from perennial.usecase.reading import list_use_cases

STOP_SECONDS = 10
"""Requests that were accepted may take so long to be answered when the service is stopped."""
_WIRED = "PERENNIAL_SERVE"
"""How the parent hands its options to its workers."""


@dataclass(frozen=True)
class Serving:
    """What a service is asked to do.

    usecases: all that are declared, those added later too, if empty. pinned: a release to serve, whatever is live.
    sync_each: see `ServedLog`. measured: the folder in which the workers keep their counts; None before it is made.
    """

    usecases: tuple[str, ...]
    host: str
    port: int
    workers: int = 1
    pinned: int | None = None
    keys: Path | None = None
    sync_each: bool = False
    measured: Path | None = None


def service(asked: Serving, where: Settings, access: Access) -> Service:
    """The application of one worker."""

    def named() -> tuple[str, ...]:
        return asked.usecases or tuple(list_use_cases(where.usecases))

    follower = Follower(reading_workspace(where), named, where.serving, asked.pinned, made_by_another_process)
    log = ServedLog(where.served, new_name, sync_each=asked.sync_each)
    assert asked.measured is not None, "the process that starts the workers makes it"
    return Service(follower, log, access, lambda: datetime.now(UTC), Slot(asked.measured))


def new_name() -> str:
    """`20241128T104359-1f2e3d4c5b6a`: in the order of time, and never given twice."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}"


def serve(asked: Serving, where: Settings) -> None:
    """Serve until the process is stopped. Raises InputError for keys that cannot be read or are needed."""
    prepare_home(where)
    access = service_access(os.environ, asked.keys)
    refuse_open(asked.host, access)
    place = ServicePlace(where.measured, new_name())
    try:
        _run(replace(asked, measured=place.folder), where, access)
    finally:
        place.close()


def _run(asked: Serving, where: Settings, access: Access) -> None:
    import uvicorn

    from perennial.processes.limited_heads import LimitedHeads

    options = uvicorn.Config(
        service(asked, where, access) if asked.workers == 1 else "perennial.processes.service:from_environment",
        factory=asked.workers > 1,
        host=asked.host,
        port=asked.port,
        workers=asked.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the address of the caller is who connects, not whom a header names
        http=LimitedHeads,
        ws="none",
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_worker_healthcheck=60,
        limit_concurrency=1000,
    )
    if asked.workers == 1:
        uvicorn.Server(options).run()
        return
    from uvicorn.supervisors import Multiprocess

    os.environ[_WIRED] = to_text(asked)
    listening = options.bind_socket()
    Multiprocess(options, sockets=[listening]).run()


def to_text(asked: Serving) -> str:
    """What is asked of a service, for `from_text`."""
    return msgspec.json.encode(asked, enc_hook=os.fspath).decode()


def from_text(text: str) -> Serving:
    """The inverse of `to_text`."""
    asked: Serving = msgspec.json.decode(text, type=Serving, dec_hook=lambda kind, value: kind(value))
    return asked


def from_environment() -> Service:
    """The application of a worker that another process started. It ends with that process, which may be killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    where, asked = settings(), from_text(os.environ[_WIRED])
    return service(asked, where, service_access(os.environ, asked.keys))


def _end_with(parent: BaseProcess) -> None:
    """A worker that went on without its parent would keep the port from the next service."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    serve(Serving((), HOST, int(sys.argv[1])), settings())
