"""Makes serving artefacts in a separate, short process, so that a worker never holds scikit-learn and pandas.

python -m perennial.processes.making USECASE RELEASE [USECASE RELEASE ...]
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from perennial.errors import PerennialError
from perennial.serving.live import open_live, wanted_release
from perennial.settings import Settings, settings
from perennial.store.workspace import reading_workspace

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
        log.warning("artefacts of %s are made in the worker: %s", releases, reason or problem)


def main(names: list[str]) -> int:
    """Make the artefacts of all; 1 if some were not made."""
    where, wrong = settings(), []
    for usecase, number in zip(names[::2], names[1::2], strict=True):
        try:
            artifacts_made(where, usecase, int(number))
        except (PerennialError, OSError) as problem:
            wrong.append(f"{usecase}: {problem}")
    sys.stderr.write("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
