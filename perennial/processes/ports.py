"""Free ports of this machine, asked from the system."""

from __future__ import annotations

import socket
import time

from perennial.errors import TransientError

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
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])
