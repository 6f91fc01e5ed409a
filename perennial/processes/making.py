"""Makes serving artefacts in a separate, short process, so that a worker never holds scikit-learn and pandas.

python -m perennial.processes.making USECASE RELEASE [USECASE RELEASE ...]
python -m perennial.processes.making --follow     all live releases as they come, for services that cannot make them
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from threading import Event

from perennial.errors import PerennialError
from perennial.ledger.present import current_release
from perennial.serving.following import POLL_SECONDS
from perennial.serving.live import needs_making, open_live, wanted_release
from perennial.settings import Settings, prepare_home, settings
from perennial.store.workspace import Workspace, reading_workspace
from perennial.usecase.reading import list_use_cases

LONGEST_SECONDS = 600
log = logging.getLogger("perennial.serving")


def artifacts_made(where: Settings, usecase: str, release_no: int) -> None:
    """Make the missing artefacts of a release. Raises like `wanted_release` and `open_live`."""
    workspace = reading_workspace(where)
    open_live(workspace, usecase, wanted_release(workspace, usecase, release_no), where.serving)


def made_by_another_process(releases: tuple[tuple[str, int], ...]) -> None:
    """Make the artefacts of releases, (use case, release number). The worker makes whatever fails here."""
    names = [text for usecase, number in releases for text in (usecase, str(number))]
    command = [sys.executable, "-m", "perennial.processes.making", *names]
    try:
        subprocess.run(command, env=os.environ, capture_output=True, check=True, timeout=LONGEST_SECONDS)
    except (OSError, subprocess.SubprocessError) as problem:
        reason = (getattr(problem, "stderr", None) or b"").decode(errors="replace").strip()
        log.warning("artefacts of %s are not made by another process: %s", releases, reason or problem)


def follow(where: Settings, stopped: Event) -> None:
    """Make the missing artefacts of every live release, in short processes, until stopped. Each is tried once."""
    workspace, tried = reading_workspace(where), set[tuple[str, int]]()
    while not stopped.wait(POLL_SECONDS):
        try:
            new = set(_missing(workspace, where)) - tried
        except PerennialError as problem:  # the ledger cannot be reached: the next look tries again
            log.warning("what to make is not known: %s", problem)
            continue
        if new:
            tried |= new
            made_by_another_process(tuple(sorted(new)))


def _missing(workspace: Workspace, where: Settings) -> Iterator[tuple[str, int]]:
    for usecase in list_use_cases(where.usecases):
        release = current_release(workspace.ledger, usecase)
        if release is not None and needs_making(workspace, usecase, release, where.serving):
            yield usecase, release.release_no


def main(names: list[str]) -> int:
    """Make the artefacts of all; 1 if some were not made."""
    if names == ["--follow"]:
        stopped, where = Event(), settings()
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: stopped.set())
        prepare_home(where)
        follow(where, stopped)
        return 0
    where, wrong = settings(), []
    for usecase, number in zip(names[::2], names[1::2], strict=True):
        try:
            artifacts_made(where, usecase, int(number))
        except ModuleNotFoundError as problem:  # as in the image of the service
            wrong.append(f"{usecase}: {problem.name} is not installed here")
        except (PerennialError, OSError) as problem:
            wrong.append(f"{usecase}: {problem}")
    sys.stderr.write("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
