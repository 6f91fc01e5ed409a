"""`perennial up`: the parts of the stack on this machine, and clearing away what an earlier one left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.client import HTTPException
from pathlib import Path
from threading import Event
from urllib.request import ProxyHandler, build_opener

import psutil
from filelock import FileLock, Timeout

from perennial.errors import InputError
from perennial.processes import alerter, deployer
from perennial.processes.deployments import POOL
from perennial.processes.ports import HOST, free_port
from perennial.processes.prefect_server import answers, environment, running_server, start_server, stop_server
from perennial.processes.process_group import adopt, stop_group
from perennial.processes.supervisor import Kept, Part, Report, supervise
from perennial.processes.up_record import PartRecord, UpRecord
from perennial.settings import Settings, prepare_home

MARK = "PERENNIAL_UP"
"""A variable of every process of a stack: the home that it belongs to. So they are recognised after a crash."""
SERVER, WORKER, DEPLOYER, MLFLOW, SITE, ALERTS = "server", "worker", "deployer", "mlflow", "site", "alerts"
ANSWER_SECONDS = 3.0


def up(where: Settings, runs: int, report: Report, ready: Callable[[UpRecord], None]) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP, then stop all of it.

    runs: how many flow runs the worker executes at once. ready: called each time all parts have become ready.
    Raises InputError if the home's stack is running already.
    """
    prepare_home(where)
    stopped = Event()
    with _alone(where), _until_signal(stopped):
        clear(where, keep_server=True)
        ports = _ports(where)
        record = UpRecord(os.getpid(), psutil.Process().create_time(), ports, _addresses(where, ports))
        record.write(where)

        def changed(kept: Sequence[Kept]) -> None:
            nonlocal record
            was_ready = record.is_ready
            parts = {each.part.name: PartRecord(each.state, each.pid, each.restarts) for each in kept}
            record = replace(record, parts=parts, addresses=_addresses(where, ports))
            record.write(where)
            if record.is_ready and not was_ready:
                ready(record)

        try:
            supervise(_parts(where, ports, runs), stopped, report, changed)
        finally:
            clear(where)
            _note_end(where)


def refuse_second(where: Settings) -> None:
    """Raise InputError if the home's stack is running already."""
    record = UpRecord.read(where)
    if record is not None and record.runs:
        raise _already_up(record)


def down(where: Settings) -> bool:
    """Stop the home's stack, or what is left of one, and its Prefect server. Returns whether there was anything."""
    record = UpRecord.read(where)
    ran = record is not None and record.runs
    if record is not None and ran:
        os.kill(record.pid, signal.SIGTERM)
        _wait_for_end(record)
    left = clear(where)
    _note_end(where)
    return ran or left


def clear(where: Settings, *, keep_server: bool = False) -> bool:
    """Stop every process of a stack of this home that nobody supervises any more. Returns whether there was one."""
    pids = _left_over(where)
    for pid in pids:
        stop_group(pid)
    return (not keep_server and stop_server(where)) or bool(pids)


def _parts(where: Settings, ports: Mapping[str, int], runs: int) -> list[Part]:
    """In the order in which they are started; they are stopped in the opposite one."""
    logs = where.logs
    logs.mkdir(parents=True, exist_ok=True)

    def started(name: str, *command: str, **variables: str) -> int:
        return _spawn(where, logs / f"{name}.log", command, variables)

    port = {name: str(number) for name, number in ports.items()}
    site = Part(
        SITE,
        partial(started, SITE, "perennial.processes.site", port[SITE]),
        partial(_listens, ports[SITE]),
        logs / f"{SITE}.log",
    )
    worker = Part(
        WORKER,
        partial(
            started,
            WORKER,
            *("prefect", "--no-prompt", "worker", "start", "--pool", POOL, "--type", "process"),
            *("--name", "perennial-up", "--limit", str(runs), "--with-healthcheck", "--install-policy", "never"),
            PREFECT_WORKER_WEBSERVER_HOST=HOST,
            PREFECT_WORKER_WEBSERVER_PORT=port[WORKER],
        ),
        partial(_answers, f"http://{HOST}:{port[WORKER]}/health"),
        logs / f"{WORKER}.log",
        after=(DEPLOYER,),
    )
    parts = [
        site,
        Part(
            DEPLOYER,
            partial(started, DEPLOYER, "perennial.processes.deployer"),
            lambda: deployer.deployed_place(where).exists(),
            logs / f"{DEPLOYER}.log",
            after=() if where.prefect_api_url else (SERVER,),
        ),
        worker,
    ]
    alerts = Part(
        ALERTS,
        partial(started, ALERTS, "perennial.processes.alerter"),
        lambda: alerter.has_looked(where),
        logs / f"{ALERTS}.log",
        after=(WORKER,),
    )
    parts.append(alerts)
    if MLFLOW in ports:
        mlflow = Part(
            MLFLOW,
            partial(started, MLFLOW, "perennial.processes.mlflow_ui", port[MLFLOW]),
            partial(_answers, f"http://{HOST}:{port[MLFLOW]}/health"),
            logs / f"{MLFLOW}.log",
            after=(WORKER,),  # it has time; the other parts share few cores with it while they start
        )
        parts.insert(1, mlflow)
    if where.prefect_api_url is None:
        log = where.prefect_home / "server.log"
        parts.insert(0, Part(SERVER, partial(_server, where), lambda: _server_answers(where), log))
    return parts


def _server(where: Settings) -> int:
    server = start_server(where)
    assert server.pid is not None, "the embedded server is a process"
    return server.pid


def _server_answers(where: Settings) -> bool:
    server = running_server(where)
    return server is not None and answers(server)


def _spawn(where: Settings, log: Path, command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Start `python -m COMMAND` in a separate session, in the home, with its output added to the log."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=where.home,
            env={**os.environ, **_environment(where), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return adopt(child)


def _environment(where: Settings) -> dict[str, str]:
    """The variables of a part: settings with absolute paths, because it works in another folder, and the server."""
    variables = {
        MARK: str(where.home),
        "PERENNIAL_HOME": str(where.home),
        "PERENNIAL_USECASES": str(where.usecases),
        "PYTHONUNBUFFERED": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_LOGGING_COLORS": "false",
        "NO_COLOR": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    given = {
        "PERENNIAL_DATABASE_URL": where.database_url,
        "PERENNIAL_TABLES_URI": where.tables_uri,
        "MLFLOW_TRACKING_URI": where.mlflow_tracking_uri,
        "PERENNIAL_MLFLOW_ARTIFACTS": where.mlflow_artifacts or "",
    }
    variables |= {name: value for name, value in given.items() if os.environ.get(name)}
    server = running_server(where) if where.prefect_api_url is None else start_server(where)
    if server is not None:
        shown = os.environ.get("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")
        variables |= environment(server) | {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": shown}
    return variables


def _ports(where: Settings) -> dict[str, int]:
    """The port of each part that has one: the one that it had last time, if that is free."""
    former = UpRecord.read(where)
    wanted = former.ports if former else {}
    names = [SITE, WORKER] + ([MLFLOW] if not where.mlflow_tracking_uri.startswith(("http://", "https://")) else [])
    return {name: free_port(wanted.get(name, 0), f"the part {name!r}") for name in names}


def _addresses(where: Settings, ports: Mapping[str, int]) -> dict[str, str]:
    """What a person can open."""
    addresses = {SITE: f"http://{HOST}:{ports[SITE]}/"}
    if where.prefect_api_url:
        addresses["prefect"] = where.prefect_api_url.removesuffix("/api")
    elif server := running_server(where):
        addresses["prefect"] = server.ui
    if MLFLOW in ports:
        addresses[MLFLOW] = f"http://{HOST}:{ports[MLFLOW]}/"
    return addresses


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


def _answers(url: str) -> bool:
    """Whether an address of this machine returns a success, without any proxy."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=ANSWER_SECONDS) as answer:
            return int(answer.status) < 400
    except (OSError, HTTPException):
        return False


def _listens(port: int) -> bool:
    """Whether something accepts connections at a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(ANSWER_SECONDS)
        return probe.connect_ex((HOST, port)) == 0
