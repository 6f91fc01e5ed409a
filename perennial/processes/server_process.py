"""The process of the embedded Prefect server: starting it, and finding those that no record contains."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from perennial.processes.ports import HOST
from perennial.processes.process_group import adopt
from perennial.processes.reaching import past_the_proxy
from perennial.processes.untracked import UNTRACKED
from perennial.settings import PREFECT_DATABASE

EXEC_SECONDS = 2.0
LOG_BYTES = 5_000_000

# Events and task runs are written in few large batches. On SQLite a batch that is written while a request is
# answered makes Prefect answer 503, and its client then waits for two seconds or more: with a batch each second,
# that met one cycle in four. The pages show a task run up to five seconds late.
SERVER_OPTIONS = {
    **UNTRACKED,
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "5",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "5",
    # An idle server looks for late, paused and cancelled runs, for expired leases and silent workers every few
    # seconds. Nothing here waits for any of them.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "60",
    # What was decided is in the ledger; flow runs with their logs are kept for a year.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(365 * 24 * 3600),
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT60S",
}


def api_of(port: int) -> str:
    """The address of the API of the server at a port of this machine."""
    return f"http://{HOST}:{port}/api"


def spawn(home: Path, port: int) -> int:
    """Start the server in a new session, so that Ctrl-C in the terminal does not reach it, and return its pid."""
    log = home / "server.log"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    variables |= (
        past_the_proxy()
        | SERVER_OPTIONS
        | {
            "PREFECT_HOME": str(home),
            PREFECT_DATABASE: os.environ.get(PREFECT_DATABASE) or f"sqlite+aiosqlite:///{home / 'prefect.db'}",
            "PREFECT_SERVER_UI_API_URL": api_of(port),
        }
    )
    fresh = not log.exists() or log.stat().st_size > LOG_BYTES
    with log.open("wb" if fresh else "ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", *_command(port)],
            cwd=home,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return adopt(child)


def _command(port: int) -> list[str]:
    return ["prefect", "--no-prompt", "server", "start", "--host", HOST, "--port", str(port)]


def strays(home: Path) -> set[int]:
    """Servers of this home that its record does not contain.

    Either the process died before writing the record, or the home was deleted or moved while its server ran. The server
    then still works in this folder and would write to the former location.
    """
    pids = set()
    for process in psutil.process_iter():
        try:
            ours = process.cmdline()[1:7] == ["-m", *_command(0)[:5]]
            if ours and (serves(process, home) or process.cwd() == str(home)):
                pids.add(process.pid)
        except (psutil.Error, OSError):
            continue  # the process has ended, or belongs to another user
    return pids


def serves(process: psutil.Process, home: Path) -> bool:
    """Whether a server was started for this home, and not for one that this is a copy of."""
    try:
        # Until the system has replaced the program of a new process, it shows no environment at all.
        end = time.monotonic() + EXEC_SECONDS
        while not (variables := process.environ()) and process.is_running() and time.monotonic() < end:
            time.sleep(0.01)
        return variables.get("PREFECT_HOME") == str(home)
    except psutil.NoSuchProcess:
        return False
