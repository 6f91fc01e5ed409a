"""Free ports of this machine, asked from the system."""

from __future__ import annotations

import socket
import time

from perennial.errors import InputError, TransientError

HOST = "127.0.0.1"
PORT_SECONDS = 3.0


def free_port(wanted: int, purpose: str) -> int:
    """The wanted port, so that open pages keep working after a crash, or another free port if it is taken.

    A killed server's threads may hold its port for a moment after its process has ended. wanted: 0 for any port.
    """
    end = time.monotonic() + PORT_SECONDS
    while wanted and time.monotonic() < end:
        if port := _bindable(wanted):
            return port
        time.sleep(0.05)
    if port := _bindable(0):
        return port
    raise TransientError(f"the system has no free port on {HOST} for {purpose}")


def _bindable(port: int) -> int | None:
    """The port if a server can listen on it (0: any free port), otherwise None."""
    try:
        return _bound(HOST, port)
    except OSError:
        return None


def refuse_taken(host: str, port: int) -> None:
    """Raise InputError if nothing can listen there."""
    try:
        _bound(host, port)
    except OSError as problem:
        raise InputError(
            f"port: {host}:{port} cannot be used: {problem.strerror}",
            value=port,
            fix="choose another port, or 0 for a free one",
        ) from None


def _bound(host: str, port: int) -> int:
    """The port, once bound and let go. Raises OSError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])
