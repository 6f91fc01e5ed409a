"""The default engine: everything in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from perennial.engine.engine import File, Result
from perennial.engine.together import Meeting, Rank, in_threads


@dataclass(frozen=True)
class Local:
    """See `Engine`."""

    spreads: ClassVar[bool] = False

    def described(self) -> str:
        """It is always there."""
        return "the local engine"

    def map_files(self, step: str, function: Callable[[File], Result], files: Sequence[File]) -> list[Result]:
        """One call after another."""
        return [function(each) for each in files]

    def train(self, step: str, function: Callable[[File, Rank], Result], files: Sequence[File]) -> list[Result]:
        """Each call in a thread."""
        meeting = Meeting("127.0.0.1", len(files))
        try:
            return in_threads(function, files, meeting.ranks)
        finally:
            meeting.end()


LOCAL = Local()
