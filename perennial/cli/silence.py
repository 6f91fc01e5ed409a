"""What a command is busy with, as a line on standard error after some seconds of silence.

A terminal shows it at once and moving. A log or a pipe gets one line for each thing that takes long, so that nobody
takes a command that is at work for one that hangs.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Timer

SECONDS = 5.0
"""Of silence that nobody wonders about."""


class Silence:
    """Calls `show` with what is being done, if nothing was heard for so long since that began."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show, self._lock = show, Lock()
        self._timer: Timer | None = None

    def begins(self, what: str) -> None:
        """Something else is being done now."""
        self.ends()
        timer = Timer(SECONDS, self._last, [what])
        timer.daemon = True
        with self._lock:
            self._timer = timer
        timer.start()

    def ends(self) -> None:
        """Something was shown, or all is done."""
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _last(self, what: str) -> None:
        with self._lock:
            still, self._timer = self._timer is not None, None
        if still:
            self._show(f"{what} ...")
