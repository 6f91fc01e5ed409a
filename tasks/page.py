"""Writes the page of a use case into its home. No run waits for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from prefect.runtime import flow_run

from data_checks.docs import pages_of
from perennial.backtest.kept_worth import kept_worth
from perennial.errors import PerennialError
from perennial.fault_points import write
from perennial.fleet.broken import with_broken
from perennial.fleet.standing import standings
from perennial.ledger.entries import BatchEntry
from perennial.page.fleet import publish_fleet
from perennial.page.index import Summary, summary_of
from perennial.page.publish import is_current, leave_summary, publish, publish_index
from perennial.serving.slots import tally_of_home
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.reading import labelled, list_use_cases
from tasks.step import in_fleet, step

story = logging.getLogger("perennial.story")

_writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="page")
_begun: set[Future[None]] = set()


def refresh_page(workspace: Workspace, usecase: str) -> None:
    """Write the page, and its card on the first page, from the ledger. Raises OSError if the home cannot be written."""
    with write("page"):
        summary = _published(workspace, usecase)
        _publish_of_all(workspace, summary)


def _published(workspace: Workspace, usecase: str) -> Summary:
    """The summary of a use case, whose page is written."""
    where, ledger = workspace.settings, workspace.ledger
    declaration = workspace.use_case(usecase).declaration
    batches = [row.payload for row in ledger.all(usecase, BatchEntry)]
    tally, worth = tally_of_home(where.measured), kept_worth(where.backtests / usecase)
    page = where.pages / f"{usecase}.html"
    history = publish(page, ledger, declaration, pages_of(where.docs, usecase, batches), tally, worth)
    return summary_of(history, declaration)


def _publish_of_all(workspace: Workspace, summary: Summary | None) -> None:
    """Write the pages about all use cases. summary: of the one whose page was written last; None if none was."""
    where = workspace.settings
    names = list_use_cases(where.usecases)
    if summary is not None:
        publish_index(where.pages, where.locks, summary, names)
    standing = with_broken(standings(workspace.ledger, names), where.usecases)
    publish_fleet(where.pages, standing, labelled(names, where.usecases))


@step(timeout_minutes=120)
def renew_pages(usecases: Sequence[str]) -> None:
    """Write the pages that are behind the ledger, and those about all use cases once.

    The page of the fleet shows failures too, of use cases whose declaration cannot be read.
    """
    workspace = open_workspace(settings())
    where, last = workspace.settings, None
    for usecase in usecases:
        if is_current(where.pages / f"{usecase}.html", workspace.ledger, usecase):
            continue
        try:
            last = _published(workspace, usecase)
            leave_summary(where.pages, last)
        except (PerennialError, OSError) as problem:
            story.warning("%s: the page could not be written, everything else was: %s", usecase, problem)
    _publish_of_all(workspace, last)


def renew_page(usecase: str) -> None:
    """Begin to write the page in the background, after the pages begun before. The process ends when it is written.

    If it cannot be written, that is reported and nothing else happens: the ledger has everything that the page shows.
    """
    begun = _writer.submit(refresh_page, open_workspace(settings()), usecase)
    _begun.add(begun)
    begun.add_done_callback(lambda done: _ended(done, usecase))


def renew_page_at_end(usecase: str) -> None:
    """The same, unless the run is a part of another one or of a fleet: these do it at their end."""
    if flow_run.parent_flow_run_id is None and not in_fleet():
        renew_page(usecase)


def pages_written() -> None:
    """Wait until every page that was begun is written."""
    wait(tuple(_begun))


def _ended(begun: Future[None], usecase: str) -> None:
    if problem := begun.exception():
        story.warning("%s: the page could not be written, everything else was: %s", usecase, problem)
    _begun.discard(begun)
