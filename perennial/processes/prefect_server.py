"""An embedded, quiet Prefect server in a process that outlives the command, so that its UI stays available.

Prefect itself is imported only by that process; except for `quiet_flows`, nothing here imports it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import dropwhile
from pathlib import Path

import psutil

from perennial.errors import InputError, TerminalError, TransientError
from perennial.processes.ports import free_port
from perennial.processes.process_group import alive, stop_group
from perennial.processes.reaching import answers_at, ask_once, past_the_proxy
from perennial.processes.server_process import api_of, serves, spawn, strays
from perennial.processes.server_users import note_user
from perennial.settings import Settings
from perennial.store.lock import only_one
from perennial.whole_file import write_whole

START_SECONDS = 120.0
LONGEST = 15
"""Lines of an error at the end of the log; what is longer is no error, but what an older one was followed by."""
NO_AUTHORITY = Path(__file__).with_name("no_authority.pem")
"""A certificate that expired long ago. The embedded server has no TLS, and each of Prefect's clients, about six in a
run, reads all authorities that it is given: the usual hundred and forty take each of them 20 ms."""


@dataclass(frozen=True)
class Server:
    """A Prefect server.

    url: of its API, ending in `/api`.
    pid: None for an external server, given by PREFECT_API_URL.
    started: whether this call started it.
    home: Prefect's folder of the embedded server; None for an external one.
    """

    url: str
    pid: int | None
    started: bool
    home: Path | None

    @property
    def ui(self) -> str:
        """The address to open in a browser."""
        return self.url.removesuffix("/api")

    @property
    def log(self) -> Path | None:
        """The log file of the embedded server."""
        return self.home / "server.log" if self.home else None


def start_server(settings: Settings) -> Server:
    """The server at PREFECT_API_URL, or the embedded one, which is started if it is not running.

    It may not answer yet: load data meanwhile, then `wait_for` it. This process counts as one of its users from now on.
    """
    if settings.prefect_api_url:
        return Server(settings.prefect_api_url, pid=None, started=False, home=None)
    home = settings.prefect_home
    with _turn(settings):
        note_user(home)
        if server := running_server(settings):
            return server
        for pid in strays(home):
            stop_group(pid)
        former = _record(home)
        port = free_port(former.port if former else 0, "the Prefect server")
        pid = spawn(home, port)
        _Record(pid, port, psutil.Process(pid).create_time()).write(home)
    return Server(api_of(port), pid, started=True, home=home)


def wait_for(server: Server, seconds: float = START_SECONDS) -> Server:
    """Wait until the server answers and return it.

    An external one must answer at once; the embedded one has `seconds`, since it may be starting. Raises TerminalError
    if it cannot start, TransientError if it was stopped or does not answer in time.
    """
    if server.pid is None:
        ask_once(server.url)
        return server
    end = time.monotonic() + seconds
    while not answers_at(server.url):
        if not alive(server.pid):
            raise _gone(server)
        if time.monotonic() > end:
            raise TransientError(
                f"the Prefect server (process {server.pid}) does not answer at {server.url} after {seconds:.0f} s\n"
                f"  Its log: {server.log}\n  `perennial down` stops it, the next command starts it again."
            )
        time.sleep(0.1)
    return server


def running_server(settings: Settings) -> Server | None:
    """The embedded server if its process is alive; it may not answer yet. None if there is none."""
    home = settings.prefect_home
    record = _record(home)
    if record and alive(record.pid, record.created) and _is_recorded(record, home):
        return Server(api_of(record.port), record.pid, started=False, home=home)
    return None


def _is_recorded(record: _Record, home: Path) -> bool:
    try:
        return serves(psutil.Process(record.pid), home)
    except psutil.AccessDenied:
        return True  # another user's, whose variables cannot be read: the record is all there is


def answers(server: Server) -> bool:
    """Whether the embedded server answers now."""
    return answers_at(server.url)


def stop_server(settings: Settings, may_stop: Callable[[Server], None] | None = None) -> bool:
    """Stop the embedded server. Returns whether there was one. Raises InputError for one of another user.

    may_stop: raises if it must go on; asked while no other process can start or use it anew.
    """
    with _turn(settings):
        server = running_server(settings)
        if server is not None and may_stop is not None:
            may_stop(server)
        pids = strays(settings.prefect_home) | ({server.pid} if server and server.pid else set())
        for pid in pids:
            try:
                stop_group(pid)
            except PermissionError as error:
                raise InputError(
                    f"the Prefect server of this home (process {pid}) belongs to another user and was not stopped",
                    fix="run the same command as that user",
                ) from error
        _Record.place(settings.prefect_home).unlink(missing_ok=True)
    return bool(pids)


def environment(server: Server) -> dict[str, str]:
    """Variables for a process that runs flows on the server, to be set before Prefect is imported.

    The flows' log lines go to the server, where its UI shows them, and not to the terminal. Set
    PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL to see them there too.
    """
    variables = {
        "PREFECT_API_URL": server.url,
        "PREFECT_LOGGING_LEVEL": os.environ.get("PREFECT_LOGGING_LEVEL", "INFO"),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": os.environ.get("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL"),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_LOGGING_EXTRA_LOGGERS": os.environ.get("PREFECT_LOGGING_EXTRA_LOGGERS", "perennial.engine"),
    }
    if server.home:
        variables["PREFECT_HOME"] = str(server.home)
        variables["PREFECT_API_SSL_CERT_FILE"] = str(NO_AUTHORITY)
        variables |= past_the_proxy()
    return variables


@contextmanager
def quiet_flows() -> Iterator[None]:
    """Flow runs without Prefect's heartbeat, whose thread adds a second to each run.

    For replays and tests. A deployed run needs its heartbeat to distinguish a crashed run from a long one.
    """
    from prefect.context import SettingsContext, get_settings_context
    from prefect.settings import Settings

    context = get_settings_context()
    # Prefect may have been imported before the server's address was set. To read all settings takes a moment.
    current = context.settings.api.url == os.environ.get("PREFECT_API_URL")
    now = context.settings if current else Settings()
    flows = now.flows.model_copy(update={"heartbeat_frequency": None})
    with SettingsContext(profile=context.profile, settings=now.model_copy(update={"flows": flows})):
        yield


@contextmanager
def _turn(settings: Settings) -> Iterator[None]:
    """Lets one process at a time start or stop the server; a killed process releases its turn."""
    settings.prefect_home.mkdir(parents=True, exist_ok=True)
    with only_one(settings.locks, "prefect", "server"):
        yield


@dataclass(frozen=True)
class _Record:
    """The content of `server.json`: enough to find the process, and to distinguish it from a later one with its pid."""

    pid: int
    port: int
    created: float

    @staticmethod
    def place(home: Path) -> Path:
        return home / "server.json"

    def write(self, home: Path) -> None:
        write_whole(self.place(home), json.dumps(asdict(self)))


def _record(home: Path) -> _Record | None:
    """The record of the server that was started last; None if there is none or it is damaged."""
    try:
        return _Record(**json.loads(_Record.place(home).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _gone(server: Server) -> TerminalError | TransientError:
    """The error for a server that ended before it answered: by itself with an error, or because it was stopped."""
    if why := _error_of(server):
        return TerminalError(f"the Prefect server cannot start:\n{why}\n  Its log: {server.log}")
    return TransientError(
        "the Prefect server was stopped while it was starting",
        code="prefect-unreachable",
        fix="`perennial down` in another terminal does so. Run the same command again: it starts another one.",
    )


def _error_of(server: Server) -> str:
    """The error that the server's log ends with, without the trace; empty if there is none of this start."""
    record = _record(server.home) if server.home else None
    if server.log is None or record is None or record.pid != server.pid:
        return ""
    try:
        text = server.log.read_text(errors="replace") if server.log.stat().st_mtime >= record.created else ""
    except OSError:
        return ""
    _, traced, after = text.rpartition("Traceback (most recent call last):\n")
    error = list(dropwhile(lambda line: line.startswith(" "), after.rstrip().splitlines())) if traced else []
    return "\n".join(f"  {line}" for line in error) if len(error) <= LONGEST else ""
