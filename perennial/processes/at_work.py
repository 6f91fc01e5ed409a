"""Commands that work on the embedded Prefect server and would lose it: `perennial fleet run` in another terminal."""

from __future__ import annotations

from urllib.parse import urlsplit

import psutil

from perennial.errors import TransientError
from perennial.processes.prefect_server import Server
from perennial.processes.server_users import users_of

_PROGRAM = "perennial"


def refuse_to_take(server: Server, besides: int | None) -> None:
    """Raise TransientError, with each process, if commands use the server or wait for it. besides: not that process."""
    if commands := {pid: typed for pid, typed in commands_on(server).items() if pid != besides}:
        one = len(commands) == 1
        listed = "".join(f"\n  process {pid}: {command}" for pid, command in commands.items())
        raise TransientError(
            f"{'a command works' if one else f'{len(commands)} commands work'} on this home's Prefect server:{listed}",
            code="still-at-work",
            fix="Wait until it has ended, or use --force: it then fails, and running it again goes on."
            if one
            else "Wait until they have ended, or use --force: they then fail, and running them again goes on.",
        )


def commands_on(server: Server) -> dict[int, str]:
    """The process of each of our commands that uses the server, or waits for it to start → what was typed."""
    port, users = urlsplit(server.url).port, users_of(server.home) if server.home else set()
    commands = {}
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            ours = [place for place, word in enumerate(words[:4]) if _is_program(word)]
            if ours and (process.pid in users or _is_connected(process, port)):
                commands[process.pid] = " ".join([_PROGRAM, *words[ours[0] + 1 :]])
        except (psutil.Error, OSError):
            continue  # the process has ended, or belongs to another user
    return commands


def _is_connected(process: psutil.Process, port: int | None) -> bool:
    return any(each.raddr and each.raddr.port == port for each in process.net_connections("inet"))


def _is_program(word: str) -> bool:
    return word in (_PROGRAM, "perennial.cli") or word.endswith(f"/{_PROGRAM}")
