"""Running flows from the command line: a Prefect server that answers, a quiet terminal, a line for each cycle."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from perennial.cli.noted import STORY, story_elsewhere
from perennial.cli.output import SILENCE, flowing, json_wanted, note, shows_at_once, terminal_width
from perennial.cli.wrapping import fitted
from perennial.settings import prepare_home, settings

if TYPE_CHECKING:
    from perennial.processes.prefect_server import Server


@contextmanager
def flows_ready(*, whole_cycle: bool = False, headed: bool = False) -> Iterator[Server]:
    """A server to run flows against, started where none runs; inside, `flows` can be imported and called.

    headed: whether the names of the columns of a cycle's line are on the screen already.
    whole_cycle: everything that a cycle uses is imported while a server starts, instead of when it is needed.
    Raises TransientError where somebody else's server does not answer.
    """
    from perennial.processes.prefect_server import environment, quiet_flows, start_server, wait_for

    where = settings()
    prepare_home(where)
    server = start_server(where)
    if server.started:
        note(f"Starting a Prefect server ({server.ui}) ...")
    os.environ.update(environment(server))
    import flows.backfill  # noqa: F401 - seconds of imports, while the server starts

    if server.started and whole_cycle:
        from data_checks.quiet import great_expectations
        from perennial.store.workspace import open_workspace

        great_expectations()
        open_workspace(where).registry.prepare()
    wait_for(server)
    from tasks.page import pages_written

    with quiet_flows(), _storytelling(headed=headed):
        yield server
        pages_written()


@contextmanager
def _storytelling(*, headed: bool) -> Iterator[None]:
    """One line for each finished cycle on standard output; on a terminal, what is going on below it.

    Elsewhere, a line on standard error for each step that takes long.
    """
    for noisy in ("great_expectations", "mlflow", "alembic", "httpx"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    steps = logging.getLogger("perennial.tasks")
    with story_elsewhere(), _status() if shows_at_once() else nullcontext() as status:
        beside: logging.Handler = _Steps() if status is None else _Spinner(status)
        handlers = [(STORY, _Lines(status, headed=headed)), (steps, beside)]
        for logger, handler in handlers:
            logger.setLevel(logging.INFO)
            logger.addHandler(handler)
        steps.setLevel(logging.INFO)
        try:
            yield
        finally:
            SILENCE.ends()
            for logger, handler in handlers:
                logger.removeHandler(handler)


def _status() -> Any:
    from rich.console import Console

    return Console().status("working ...")


class _Lines(logging.Handler):
    """A line of the story on standard output; on standard error where that has JSON alone.

    The names of its columns stand above the first line that has columns, unless they were `headed` already.
    """

    def __init__(self, status: Any, *, headed: bool) -> None:
        super().__init__()
        self._status, self._headed = status, headed

    def emit(self, record: logging.LogRecord) -> None:
        heading = getattr(record, "heading", "")
        if heading and not self._headed:
            self._headed = True
            self._print(heading)
        self._print(record.getMessage())

    def _print(self, text: str) -> None:
        if self._status is not None:
            self._status.console.print(fitted(text, terminal_width()), markup=False, highlight=False, soft_wrap=True)
        elif json_wanted():
            note(text)
        else:
            flowing(text)
            sys.stdout.flush()


def beside_spinner(message: str, width: int) -> str:
    """A message as one line of a terminal with a spinner before it: a wrapped one would leave its rest behind.

    >>> beside_spinner("batch 2024-01 accepted (288 rows)", 20)
    'batch 2024-01 acc'
    """
    from rich.cells import set_cell_size

    return set_cell_size(" ".join(message.split()), max(width - len("⠋ ") - 1, 1)).rstrip()


class _Steps(logging.Handler):
    """The newest event, where no spinner shows it and it is followed by a long silence."""

    def emit(self, record: logging.LogRecord) -> None:
        SILENCE.begins(f"still working; the newest event: {' '.join(record.getMessage().split())}")


class _Spinner(logging.Handler):
    """The newest event beside the spinner."""

    def __init__(self, status: Any) -> None:
        super().__init__()
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        from rich.markup import escape

        self._status.update(escape(beside_spinner(record.getMessage(), terminal_width())))
