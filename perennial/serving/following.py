"""Follows the ledger: a new release is loaded beside the old one and then replaces it between two requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perennial.errors import PerennialError
from perennial.serving.live import Live, open_live, wanted_release
from perennial.store.workspace import Workspace

POLL_SECONDS = 1.0
log = logging.getLogger("perennial.serving")


@dataclass(frozen=True)
class State:
    """What a use case serves and should serve. wrong: why they differ, empty if they do not."""

    usecase: str
    serving: int | None
    wanted: int | None
    wrong: str

    @property
    def is_ready(self) -> bool:
        """Whether requests are answered; an older release goes on while a newer one cannot be loaded."""
        return self.serving is not None


class Follower:
    """Holds the loaded release of each use case. `live` and `states` may be read from any thread."""

    def __init__(
        self, workspace: Workspace, named: Callable[[], tuple[str, ...]], cache: Path, pinned: int | None = None
    ) -> None:
        """named: the use cases to serve, asked at each look."""
        self._workspace, self._named, self._cache, self._pinned = workspace, named, cache, pinned
        self.usecases: tuple[str, ...] = ()
        self._live: dict[str, Live] = {}
        self._wanted: dict[str, int] = {}
        self._wrong: dict[str, str] = {}

    def live(self, usecase: str) -> Live | None:
        """The loaded release; None if there is none, or no such use case."""
        return self._live.get(usecase)

    @property
    def states(self) -> list[State]:
        """Of each use case."""
        return [self._state(usecase) for usecase in self.usecases]

    def _state(self, usecase: str) -> State:
        live = self._live.get(usecase)
        serving = live.release.release_no if live else None
        return State(usecase, serving, self._wanted.get(usecase), self._wrong.get(usecase, ""))

    def look(self) -> None:
        """Load what the ledger wants and is not loaded yet. A problem is kept for `states` and tried again."""
        self.usecases = self._named()
        for usecase in self.usecases:
            try:
                self._follow(usecase)
                self._wrong.pop(usecase, None)
            except (PerennialError, OSError) as error:
                if str(error) != self._wrong.get(usecase):
                    log.warning("%s: release %s is not loaded: %s", usecase, self._wanted.get(usecase), error)
                self._wrong[usecase] = str(error)

    def _follow(self, usecase: str) -> None:
        release = wanted_release(self._workspace, usecase, self._pinned)
        self._wanted[usecase] = release.release_no
        live = self._live.get(usecase)
        if live is not None and live.release.release_no == release.release_no:
            return
        loaded = open_live(self._workspace, usecase, release, self._cache)
        self._live[usecase] = loaded
        for warning in loaded.served.warnings:
            log.warning("%s: %s", usecase, warning)
        log.info("%s: release %d (%s) is served", usecase, release.release_no, release.versions)


def following(follower: Follower, stopped: threading.Event, each_time: Callable[[], None] = lambda: None) -> None:
    """Look every `POLL_SECONDS` until stopped. Run in a separate thread."""
    while not stopped.wait(POLL_SECONDS):
        follower.look()
        each_time()
