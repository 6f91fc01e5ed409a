"""How a process of ours ends when it is asked to."""

from __future__ import annotations

import signal
import sys


def end_on_sigterm() -> None:
    """End with status 0 on SIGTERM.

    The first process of a container ignores every signal that it has no handler for, and would be killed in the end.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
