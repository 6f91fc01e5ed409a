"""How long the history is that a source has at hand."""

from __future__ import annotations

from datetime import datetime

from perennial.errors import PerennialError
from perennial.intake.looking import Looked, look_at
from perennial.sources.window import Source, Window
from perennial.usecase.declaration import UseCase


def days_at_hand(case: UseCase, source: Source, looked: Looked) -> int | None:
    """Days from the first event to the last one, at most; None if that is unknown.

    looked: a window's batch that was read already. Of files without declared windows, the first and the last are read.
    """
    try:
        windows = source.windows()
        ends = [_span(case, source, window, looked) for window in (*windows[:1], *windows[-1:])]
    except PerennialError:  # the look at the next batch reports what cannot be read
        return None
    times = [time for span in ends for time in span]
    return (max(times) - min(times)).days + 1 if ends and all(ends) else None


def _span(case: UseCase, source: Source, window: Window, looked: Looked) -> tuple[datetime, ...]:
    """The first and the last moment of a window; empty if unknown."""
    if window.start is not None and window.end is not None:
        return window.start, window.end
    if looked.window != window.name:
        looked = look_at(case, source.fetch(window), is_new=True)
    time = case.declaration.schema_.time
    if looked.batch is None or not looked.is_whole or time not in looked.batch.frame:
        return ()
    times = looked.batch.frame[time].dropna()
    return () if times.empty else (times.min().to_pydatetime(), times.max().to_pydatetime())
