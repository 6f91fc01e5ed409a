"""An interrupt that Python could not raise is sent again, so that a command that is asked to stop does stop.

The handler of a signal runs wherever the main thread is. Where that is the end of an object, such as the callback of a
weak reference in the pool of a database, Python prints the exception, drops it and goes on.
Source: https://docs.python.org/3/library/signal.html#signals-and-threads and `sys.unraisablehook`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

AGAIN_SECONDS = 0.05
"""By then the main thread has left the place where nothing can be raised."""


@contextmanager
def lost_interrupts_sent_again() -> Iterator[None]:
    """Inside, an interrupt that was dropped follows a moment later. Anything else is printed as before."""
    former = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        number = _signal_of(lost.exc_type)
        if number is None:
            former(lost)
            return
        again = Timer(AGAIN_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = former


def _signal_of(raised: type[BaseException] | None) -> signal.Signals | None:
    """The signal that an exception stands for; Prefect has a class for SIGTERM, if it is imported."""
    if raised is None:
        return None
    if issubclass(raised, KeyboardInterrupt):
        return signal.SIGINT
    termination = getattr(sys.modules.get("prefect.exceptions"), "TerminationSignal", ())
    return signal.SIGTERM if issubclass(raised, termination) else None
