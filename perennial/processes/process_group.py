"""Processes in groups that they lead: whether they are alive, and stopping all of a group."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import psutil

STOP_SECONDS = 10.0

# Children of this process, kept so that a dead one is reaped and not mistaken for a running one.
_children: dict[int, subprocess.Popen[bytes]] = {}


def adopt(child: subprocess.Popen[bytes]) -> int:
    """Keep a child that leads its process group, and return its pid."""
    _children[child.pid] = child
    return child.pid


def alive(pid: int, created: float | None = None) -> bool:
    """Whether the process is alive and was created at that time, since pids are reused."""
    if child := _children.get(pid):
        child.poll()
    try:
        process = psutil.Process(pid)
        same = created is None or abs(process.create_time() - created) < 2
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop_group(pid: int) -> None:
    """Send SIGTERM to the process group, and SIGKILL after ten seconds to what is left of it."""
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        end = time.monotonic() + seconds
        while time.monotonic() < end and alive(pid):
            time.sleep(0.05)
