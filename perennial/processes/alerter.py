"""The part of `perennial up` that tries again to send messages that a target did not accept.

Run as `python -m perennial.processes.alerter`. Only runs queue messages, so that nothing is sent about an episode that
a running backfill will have closed at its end.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from perennial.alerting.notifying import send_again
from perennial.alerting.outbox import Undelivered
from perennial.errors import PerennialError
from perennial.processes.stopping import end_on_sigterm
from perennial.settings import Settings, settings
from perennial.store.workspace import open_workspace
from perennial.usecase.reading import list_use_cases

LOOK_SECONDS = 30.0
ROUND_SECONDS = 60.0
"""How long a look may take if targets do not answer."""


def main() -> None:
    """Look for undelivered messages until the process is stopped."""
    where = settings()
    while True:
        for name in list_use_cases(where.usecases):
            for line in look(where, name, os.environ):
                sys.stdout.write(line + "\n")
            sys.stdout.flush()
            looked_place(where).touch()
        looked_place(where).touch()
        time.sleep(LOOK_SECONDS)


def looked_place(where: Settings) -> Path:
    """The file whose time is that of the last look."""
    return where.home / "alerts-looked"


def has_looked(where: Settings) -> bool:
    """Whether the last look was a short time ago: whether the process works."""
    try:
        return time.time() - looked_place(where).stat().st_mtime < LOOK_SECONDS + ROUND_SECONDS
    except OSError:
        return False


def look(where: Settings, usecase: str, environ: Mapping[str, str]) -> list[str]:
    """Send what is due in a use case, and return what to report about it."""
    try:
        before, left = send_again(open_workspace(where), usecase, environ, lambda: datetime.now(UTC))
    except PerennialError as error:
        return [f"{usecase}: {error}"]
    return _report(before, left)


def _report(before: list[Undelivered], left: list[Undelivered]) -> list[str]:
    attempts = {each.message.key: each.attempts for each in before}
    waiting = {each.message.key: each for each in left}
    sent = [
        f"{each.message.title}: delivered to {each.message.target}"
        for each in before
        if each.message.key not in waiting
    ]
    return sent + [
        f"{each.message.title}: {each.message.target} did not accept it: {each.failed.why}"
        for key, each in waiting.items()
        if each.failed is not None and each.attempts > attempts.get(key, 0)
    ]


if __name__ == "__main__":
    end_on_sigterm()
    main()
