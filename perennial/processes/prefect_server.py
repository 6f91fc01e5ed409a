"""An embedded, quiet Prefect server in a process that outlives the command, so that its UI stays available.

Prefect itself is imported only by that process; except for `quiet_flows`, nothing here imports it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener, proxy_bypass

import psutil

from perennial.errors import InputError, TerminalError, TransientError
from perennial.processes.ports import HOST, free_port
from perennial.processes.process_group import adopt, alive, stop_group
from perennial.secrets import masked
from perennial.settings import Settings
from perennial.store.lock import only_one
from perennial.whole_file import write_whole

DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
"""Prefect's variable for another database, for example PostgreSQL. The embedded server uses it."""
START_SECONDS = 120.0
EXEC_SECONDS = 2.0
LOG_BYTES = 5_000_000

# Events and task runs are written in few large batches. On SQLite a batch that is written while a request is
# answered makes Prefect answer 503, and its client then waits for two seconds or more: with a batch each second,
# that met one cycle in four. The pages show a task run up to five seconds late.
SERVER_OPTIONS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
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
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT60S",
}


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

    It may not answer yet: load data meanwhile, then `wait_for` it. Raises TerminalError if the embedded one cannot
    start.
    """
    if settings.prefect_api_url:
        return Server(settings.prefect_api_url, pid=None, started=False, home=None)
    home = settings.prefect_home
    with _turn(settings):
        if server := running_server(settings):
            return server
        for pid in _strays(home):
            stop_group(pid)
        former = _record(home)
        port = free_port(former.port if former else 0, "the Prefect server")
        pid = _spawn(home, port)
        _Record(pid, port, psutil.Process(pid).create_time()).write(home)
    return Server(_url(port), pid, started=True, home=home)


def wait_for(server: Server, seconds: float = START_SECONDS) -> Server:
    """Wait until the server answers and return it.

    An external one must answer at once; the embedded one has `seconds`, since it may be starting.
    """
    if server.pid is None:
        _ask_once(server.url)
        return server
    end = time.monotonic() + seconds
    while not _answers(server.url):
        if not alive(server.pid):
            raise TerminalError(
                f"the Prefect server stopped unexpectedly; the last lines of {server.log}:\n{_tail(server)}"
            )
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
    if record and alive(record.pid, record.created) and _serves(psutil.Process(record.pid), home):
        return Server(_url(record.port), record.pid, started=False, home=home)
    return None


def answers(server: Server) -> bool:
    """Whether the embedded server answers now."""
    return _answers(server.url)


def stop_server(settings: Settings) -> bool:
    """Stop the embedded server. Returns whether there was one."""
    with _turn(settings):
        server = running_server(settings)
        pids = _strays(settings.prefect_home) | ({server.pid} if server and server.pid else set())
        for pid in pids:
            stop_group(pid)
        _Record.place(settings.prefect_home).unlink(missing_ok=True)
    return bool(pids)


def environment(server: Server) -> dict[str, str]:
    """Variables for a process that runs flows on the server, to be set before Prefect is imported.

    The flows' log lines go to the server, where its UI shows them, and not to the terminal. Set
    PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL to see them there too.
    """
    variables = {
        "PREFECT_API_URL": server.url,
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": os.environ.get("PREFECT_LOGGING_LEVEL", "INFO"),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": os.environ.get("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL"),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    if server.home:
        variables["PREFECT_HOME"] = str(server.home)
        variables |= _past_the_proxy()
    return variables


@contextmanager
def quiet_flows() -> Iterator[None]:
    """Flow runs without Prefect's heartbeat, whose thread adds a second to each run.

    For replays and tests. A deployed run needs its heartbeat to distinguish a crashed run from a long one.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def _url(port: int) -> str:
    return f"http://{HOST}:{port}/api"


@contextmanager
def _turn(settings: Settings) -> Iterator[None]:
    """Lets one process at a time start or stop the server; a killed process releases its turn."""
    settings.prefect_home.mkdir(parents=True, exist_ok=True)
    with only_one(settings.locks, "prefect", "server"):
        yield


def _spawn(home: Path, port: int) -> int:
    """Start the server in a new session, so that Ctrl-C in the terminal does not reach it, and return its pid."""
    log = home / "server.log"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    variables |= (
        _past_the_proxy()
        | SERVER_OPTIONS
        | {
            "PREFECT_HOME": str(home),
            DATABASE: os.environ.get(DATABASE) or f"sqlite+aiosqlite:///{home / 'prefect.db'}",
            "PREFECT_SERVER_UI_API_URL": _url(port),
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


def _strays(home: Path) -> set[int]:
    """Servers of this home that its record does not contain.

    Either the process died before writing the record, or the home was deleted or moved while its server ran. The server
    then still works in this folder and would write to the former location.
    """
    strays = set()
    for process in psutil.process_iter():
        try:
            ours = process.cmdline()[1:7] == ["-m", *_command(0)[:5]]
            if ours and (_serves(process, home) or process.cwd() == str(home)):
                strays.add(process.pid)
        except (psutil.Error, OSError):
            continue  # the process has ended, or belongs to another user
    return strays


def _serves(process: psutil.Process, home: Path) -> bool:
    """Whether a server was started for this home, and not for one that this is a copy of."""
    try:
        # Until the system has replaced the program of a new process, it shows no environment at all.
        end = time.monotonic() + EXEC_SECONDS
        while not (variables := process.environ()) and process.is_running() and time.monotonic() < end:
            time.sleep(0.01)
        return variables.get("PREFECT_HOME") == str(home)
    except psutil.NoSuchProcess:
        return False


def _answers(url: str) -> bool:
    try:
        return _health(url, through_proxy=False) == 200
    except OSError:
        return False


def _ask_once(url: str) -> None:
    """Raise unless the external server answers. One that requires a password does answer."""
    fix = "Start that server, or unset PREFECT_API_URL to use the embedded one."
    if proxy := _proxy_on_the_way(url):
        name, address = proxy
        fix += f" Requests go through the proxy of {name} ({address}); if it needs none, add its host to NO_PROXY."
        if address.startswith("socks") and not _knows_socks():
            raise InputError(
                f"{name}: {address} is a SOCKS proxy, which needs a package that is not installed",
                code="proxy-unusable",
                fix=f"pip install socksio, or unset {name}",
            )
    try:
        status = _health(url, through_proxy=True)
    except OSError as error:
        reason = error.reason if isinstance(error, URLError) else error
        message = f"PREFECT_API_URL: no Prefect server answers at {url}: {reason}"
        raise TransientError(message, code="prefect-unreachable", fix=fix) from error
    if status == 404:
        raise InputError(
            f"PREFECT_API_URL: {url} is not a Prefect API (404 for {url}/health)\n"
            "  A server's address ends in /api, for example http://127.0.0.1:4200/api"
        )
    if status >= 500:
        message = f"PREFECT_API_URL: the Prefect server at {url} returned status {status}"
        raise TransientError(message, code="prefect-unreachable", fix=fix)


def _health(url: str, through_proxy: bool) -> int:
    """The HTTP status of the server's health page. Raises OSError if nothing answers."""
    opener = build_opener() if through_proxy else build_opener(ProxyHandler({}))
    try:
        with opener.open(Request(f"{url}/health"), timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except HTTPException as error:
        raise OSError(f"not a valid HTTP response: {error!r}") from error


def _past_the_proxy() -> dict[str, str]:
    """Variables that exclude the embedded server from a configured proxy.

    A SOCKS proxy without the package that it needs is removed altogether, because Prefect's client would not start.
    """
    proxies = _proxies()
    if not proxies:
        return {}
    spared = [each for each in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",") if each]
    value = ",".join([*spared, *(host for host in (HOST, "localhost") if host not in spared)])
    useless = {} if _knows_socks() else {name: "" for name, url in proxies.items() if url.startswith("socks")}
    return {"no_proxy": value, "NO_PROXY": value, **useless}


def _proxies() -> dict[str, str]:
    """The variables that name a proxy for HTTP, with their values."""
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _knows_socks() -> bool:
    return find_spec("socksio") is not None


def _proxy_on_the_way(url: str) -> tuple[str, str] | None:
    """The variable of the proxy for the external server, and the proxy's address without credentials."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    for name, value in _proxies().items():
        if name.lower() in (f"{parts.scheme}_proxy", "all_proxy"):
            return name, masked(value)
    return None


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


def _tail(server: Server, lines: int = 15) -> str:
    try:
        text = server.log.read_text(errors="replace") if server.log else ""
    except OSError:
        text = ""
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-lines:]) or "  (nothing)"
