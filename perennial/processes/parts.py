"""The parts of the stack on one machine: how each is started, when it is ready, and where it answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from perennial.processes import alerter, deployer
from perennial.processes.deployments import POOL
from perennial.processes.ports import HOST, free_port
from perennial.processes.prefect_server import answers, environment, running_server, start_server
from perennial.processes.process_group import adopt
from perennial.processes.supervisor import Part
from perennial.processes.untracked import UNTRACKED
from perennial.processes.up_record import UpRecord
from perennial.settings import Settings
from perennial.work_pools import WorkPool

MARK = "PERENNIAL_UP"
"""A variable of every process of a stack: the home that it belongs to. So they are recognised after a crash."""
SERVER, WORKER, DEPLOYER, MLFLOW, SITE = "server", "worker", "deployer", "mlflow", "site"
ALERTS, SERVICE = "alerts", "service"
ANSWER_SECONDS = 3.0


def parts_of(where: Settings, ports: Mapping[str, int], runs: int) -> list[Part]:
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

    def worker(name: str, pool: str, limit: int) -> Part:
        start = partial(
            started,
            name,
            *("prefect", "--no-prompt", "worker", "start", "--pool", pool, "--type", "process"),
            *("--name", "perennial-up", "--limit", str(limit), "--with-healthcheck", "--install-policy", "never"),
            PREFECT_WORKER_WEBSERVER_HOST=HOST,
            PREFECT_WORKER_WEBSERVER_PORT=port[name],
        )
        answers_at = f"http://{HOST}:{port[name]}/health"
        return Part(name, start, partial(succeeds, answers_at), logs / f"{name}.log", after=(DEPLOYER,))

    service = Part(
        SERVICE,
        partial(started, SERVICE, "perennial.processes.service", port[SERVICE], OMP_NUM_THREADS="1"),
        partial(succeeds, f"http://{HOST}:{port[SERVICE]}/health"),
        logs / f"{SERVICE}.log",
        after=(WORKER,),
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
        worker(WORKER, POOL, runs),
        *(worker(trainer_of(pool), pool.name, 1) for pool in where.pools),
    ]
    alerts = Part(
        ALERTS,
        partial(started, ALERTS, "perennial.processes.alerter"),
        lambda: alerter.has_looked(where),
        logs / f"{ALERTS}.log",
        after=(WORKER,),
    )
    parts += [alerts, service]
    if MLFLOW in ports:
        mlflow = Part(
            MLFLOW,
            partial(started, MLFLOW, "perennial.processes.mlflow_ui", port[MLFLOW]),
            partial(succeeds, f"http://{HOST}:{port[MLFLOW]}/health"),
            logs / f"{MLFLOW}.log",
            after=(WORKER,),  # it has time; the other parts share few cores with it while they start
        )
        parts.insert(1, mlflow)
    if where.prefect_api_url is None:
        log = where.prefect_home / "server.log"
        parts.insert(0, Part(SERVER, partial(_server, where), lambda: _server_answers(where), log))
    return parts


def trainer_of(pool: WorkPool) -> str:
    """The name of the part for machines of a size: a worker for one run at a time.

    >>> trainer_of(WorkPool("big", "trainers"))
    'worker-big'
    """
    return f"{WORKER}-{pool.size}"


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
        **UNTRACKED,
    }
    given = {
        "PERENNIAL_DATABASE_URL": where.database_url,
        "PERENNIAL_TABLES_URI": where.tables_uri,
        "PERENNIAL_FILES_URI": where.files_uri,
        "MLFLOW_TRACKING_URI": where.mlflow_tracking_uri,
        "PERENNIAL_MLFLOW_ARTIFACTS": where.mlflow_artifacts or "",
    }
    variables |= {name: value for name, value in given.items() if os.environ.get(name)}
    server = running_server(where) if where.prefect_api_url is None else start_server(where)
    if server is not None:
        shown = os.environ.get("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")
        variables |= environment(server) | {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": shown}
    return variables


def ports_of(where: Settings) -> dict[str, int]:
    """The port of each part that has one: the one that it had last time, if that is free."""
    former = UpRecord.read(where)
    wanted = former.ports if former else {}
    names = [SITE, WORKER, *map(trainer_of, where.pools), SERVICE] + (
        [MLFLOW] if not where.mlflow_tracking_uri.startswith(("http://", "https://")) else []
    )
    return {name: free_port(wanted.get(name, 0), f"the part {name!r}") for name in names}


def addresses_of(where: Settings, ports: Mapping[str, int]) -> dict[str, str]:
    """What a person can open."""
    addresses = {SITE: f"http://{HOST}:{ports[SITE]}/"}
    if where.prefect_api_url:
        addresses["prefect"] = where.prefect_api_url.removesuffix("/api")
    elif server := running_server(where):
        addresses["prefect"] = server.ui
    addresses[SERVICE] = f"http://{HOST}:{ports[SERVICE]}/docs"
    if MLFLOW in ports:
        addresses[MLFLOW] = f"http://{HOST}:{ports[MLFLOW]}/"
    return addresses


def succeeds(url: str) -> bool:
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
