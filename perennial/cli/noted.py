"""What a command waits for, as a line on standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from perennial.cli.output import flowing_note

STORY = logging.getLogger("perennial.story")


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        flowing_note(record.getMessage())


_NOTES = _Notes(logging.WARNING)


@contextmanager
def waits_noted() -> Iterator[None]:
    """Inside, warnings of the story are notes, and no other logger writes them a second time."""
    propagated = STORY.propagate
    STORY.addHandler(_NOTES)
    STORY.propagate = False
    try:
        yield
    finally:
        STORY.propagate = propagated
        STORY.removeHandler(_NOTES)


@contextmanager
def story_elsewhere() -> Iterator[None]:
    """Inside, somebody else shows the whole story."""
    noted = _NOTES in STORY.handlers
    STORY.removeHandler(_NOTES)
    try:
        yield
    finally:
        if noted:
            STORY.addHandler(_NOTES)
