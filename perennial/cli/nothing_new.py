"""What there is to run flows for, found out without Prefect: neither nothing new nor a dry run costs a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perennial.cli.machine_clock import now
from perennial.cli.reading import open_ledger
from perennial.errors import TransientError
from perennial.intake.due import due_window, listed, not_in_source, nothing_is_due, unfinished_window, windows_to_do
from perennial.page.publish import is_current
from perennial.settings import settings
from perennial.sources.window import Window
from perennial.store.workspace import RUN, Workspace, open_workspace
from perennial.usecase.declaration import UseCase


def no_cycle_is_due(usecase: str) -> bool:
    """Whether a cycle would find nothing to do."""
    return _nothing(usecase, lambda workspace, case, ready: nothing_is_due(case, workspace.ledger, ready))


def no_backfill_is_due(usecase: str) -> bool:
    """Whether a backfill of everything would find nothing to do."""
    return _nothing(usecase, lambda workspace, case, ready: not windows_to_do(case, workspace.ledger, ready))


def next_window(case: UseCase) -> list[str]:
    """The batch whose cycle runs next; empty if none is due. Raises InputError where the source cannot be read."""
    ledger = open_ledger()
    window = unfinished_window(ledger, case.name) or due_window(case, ledger, listed(case, now()).ready)
    return [window] if window else []


def windows_left(case: UseCase, first: str | None, last: str | None) -> list[str]:
    """The batches from first to last that no finished cycle covers. Raises InputError for a name that is not there."""
    return windows_to_do(case, open_ledger(), listed(case, now()).ready, first, last)


def require_window(case: UseCase, window: str | None) -> None:
    """Raise InputError for a batch that the source does not have, before a server is started for it."""
    if window is not None and window not in (known := [each.name for each in listed(case, now()).ready]):
        raise not_in_source(case.name, "batch", window, known)


def _nothing(usecase: str, nothing: Callable[[Workspace, UseCase, Sequence[Window]], bool]) -> bool:
    """False too where a flow has to find out: another run is at work, rows wait for their date, the page is behind.

    nothing: gets the windows of the source that are ready.
    """
    workspace = open_workspace(settings())
    case = workspace.use_case(usecase)
    try:
        with workspace.only_one(usecase, RUN, seconds=0):
            page = workspace.settings.pages / f"{usecase}.html"
            if not is_current(page, workspace.ledger, usecase):
                return False
            there = listed(case, now())
            return not there.after_today and nothing(workspace, case, there.ready)
    except TransientError:
        return False  # the flow waits for its turn, and asks again what did not answer
