"""Follows the ledger: a new release is loaded beside the old one and then replaces it between two requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perennial.errors import HeldBack, PerennialError
from perennial.ledger.ends import ends
from perennial.ledger.entries import Release
from perennial.scoring.made_by import versions_in_short
from perennial.serving.live import Live, needs_making, open_live, wanted_release, with_candidate
from perennial.store.workspace import Workspace

POLL_SECONDS = 1.0
_LONGEST_PAUSE = 256
log = logging.getLogger("perennial.serving")


@dataclass(frozen=True)
class StageState:
    """The stage of the release that is served. share: of the keys that the candidate answers.

    candidate: its model version. wrong: why it is not loaded, so that the live models answer alone; empty if it is.
    """

    kind: Literal["shadow", "canary"]
    share: float
    candidate: str
    wrong: str


@dataclass(frozen=True)
class State:
    """What a use case serves and should serve. wrong: why they differ, empty if they do not.

    stage: None if the release has no candidate.
    """

    usecase: str
    serving: int | None
    wanted: int | None
    wrong: str
    stage: StageState | None = None

    @property
    def is_ready(self) -> bool:
        """Whether requests are answered; an older release goes on while a newer one cannot be loaded."""
        return self.serving is not None


Make = Callable[[tuple[tuple[str, int], ...]], None]
"""Makes the artefacts of releases, (use case, release number), in another process."""


class Follower:
    """Holds the loaded release of each use case. `live` and `states` may be read from any thread.

    named: the use cases to serve, asked at each look.
    make: asked once for each release whose artefacts are missing; whatever it leaves out is made here.
    """

    def __init__(
        self,
        workspace: Workspace,
        named: Callable[[], tuple[str, ...]],
        cache: Path,
        pinned: int | None = None,
        make: Make = lambda _: None,
    ) -> None:
        self._workspace, self._named, self._cache, self._pinned = workspace, named, cache, pinned
        self.usecases: tuple[str, ...] = ()
        self._served: frozenset[str] = frozenset()
        self._make = make
        self._asked: set[tuple[str, int]] = set()
        self._live: dict[str, Live] = {}
        self._read: dict[str, tuple[tuple[int, str] | None, Release | HeldBack]] = {}
        self._wanted: dict[str, int] = {}
        self._wrong: dict[str, str] = {}
        self._retries: dict[str, _Retries] = {}

    def serves(self, usecase: str) -> bool:
        """Whether it is one of the use cases."""
        return usecase in self._served

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
        return State(usecase, serving, self._wanted.get(usecase), self._wrong.get(usecase, ""), _stage_of(live))

    def look(self) -> None:
        """Load what the ledger wants and is not loaded yet. A problem is kept for `states` and tried again.

        A candidate is tried again after 1, 2, 4, … looks, so that one that cannot be loaded costs little.
        """
        self.usecases = self._named()
        self._served = frozenset(self.usecases)
        new: dict[str, Release] = {}
        try:
            ended = ends(self._workspace.ledger)
        except Exception as error:  # noqa: BLE001 - the old releases go on, and `/ready` shows this
            for usecase in self.usecases:
                self._failed(usecase, error)
            return
        for usecase in self.usecases:
            try:
                release = self._new(usecase, ended.get(usecase))
                if release is None:
                    self._wrong.pop(usecase, None)
                    self._retry_candidate(usecase)
                else:
                    new[usecase] = release
            except Exception as error:  # noqa: BLE001 - the old release goes on, and `/ready` shows this
                self._failed(usecase, error)
        self._make_missing(new)
        for usecase, release in new.items():
            try:
                self._load(usecase, release)
                self._wrong.pop(usecase, None)
            except Exception as error:  # noqa: BLE001 - the old release goes on, and `/ready` shows this
                self._failed(usecase, error)

    def _failed(self, usecase: str, error: Exception) -> None:
        known = isinstance(error, PerennialError | OSError | ModuleNotFoundError)
        wrong = str(error) if isinstance(error, PerennialError) else f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError):
            wrong = (
                f"it has no serving artefact that can be used, and this installation lacks {error.name} to make one or "
                "to run the pipeline; an installation with all packages has to make it, in the same home"
            )
        if wrong != self._wrong.get(usecase):
            trace, wanted = None if known else error, self._wanted.get(usecase)
            which = f"release {wanted} is not loaded: " if wanted is not None else ""
            why = wrong.removeprefix(f"{usecase}: ")
            log.warning("%s: %s%s", usecase, which, why, exc_info=trace)
        self._wrong[usecase] = wrong

    def _new(self, usecase: str, end: tuple[int, str] | None) -> Release | None:
        """The release to load; None if it is loaded. end: of the use case's chain, without which nothing is new."""
        read_at, release = self._read.get(usecase, (None, None))
        if release is None or read_at != end:
            release = self._asked_for(usecase)
            self._read[usecase] = end, release
        if isinstance(release, HeldBack):
            raise release
        self._wanted[usecase] = release.release_no
        live = self._live.get(usecase)
        return None if live is not None and live.release.release_no == release.release_no else release

    def _asked_for(self, usecase: str) -> Release | HeldBack:
        try:
            return wanted_release(self._workspace, usecase, self._pinned)
        except HeldBack as none_live:
            return none_live

    def _make_missing(self, new: dict[str, Release]) -> None:
        numbered = {(name, release.release_no): release for name, release in new.items()}
        missing = {
            at
            for at in numbered.keys() - self._asked
            if needs_making(self._workspace, at[0], numbered[at], self._cache)
        }
        if missing:
            self._asked |= missing
            self._make(tuple(sorted(missing)))

    def _load(self, usecase: str, release: Release) -> None:
        loaded = open_live(self._workspace, usecase, release, self._cache)
        self._live[usecase], self._retries[usecase] = loaded, _Retries()
        for warning in loaded.served.warnings:
            log.warning("%s: %s", usecase, warning)
        log.info("%s: release %d (%s) is served", usecase, release.release_no, release.versions)
        _note_candidate(loaded)

    def _retry_candidate(self, usecase: str) -> None:
        live = self._live[usecase]
        if live.candidate_wrong and self._retries[usecase].is_due():
            self._live[usecase] = with_candidate(self._workspace, live, self._cache)
            if self._live[usecase].candidate_wrong != live.candidate_wrong:
                _note_candidate(self._live[usecase])


class _Retries:
    """When to try again: after 1, 2, 4, … looks, then after each `_LONGEST_PAUSE`."""

    def __init__(self) -> None:
        self._pause = self._left = 1

    def is_due(self) -> bool:
        """Asked once per look."""
        self._left -= 1
        if self._left:
            return False
        self._pause = self._left = min(2 * self._pause, _LONGEST_PAUSE)
        return True


def _stage_of(live: Live | None) -> StageState | None:
    candidate = live.release.candidate if live is not None else None
    if live is None or candidate is None:
        return None
    stage = candidate.stage
    return StageState(stage.kind, stage.share, versions_in_short(candidate.serves), live.candidate_wrong)


def _note_candidate(live: Live) -> None:
    state = _stage_of(live)
    if state is None:
        return
    if state.wrong:
        log.warning("%s: the candidate (version %s) is not loaded: %s", live.usecase, state.candidate, state.wrong)
    else:
        log.info("%s: version %s is the candidate, %s", live.usecase, state.candidate, state.kind)


def following(follower: Follower, stopped: threading.Event, looked: Callable[[], None]) -> None:
    """Look every `POLL_SECONDS` until stopped. Run in a separate thread. looked: called after each look."""
    looked()
    while not stopped.wait(POLL_SECONDS):
        follower.look()
        looked()
