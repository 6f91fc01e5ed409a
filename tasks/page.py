"""Writes the page of a use case into its home. No run waits for it."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor, wait

from data_checks.docs import pages_of
from perennial.backtest.kept_worth import kept_worth
from perennial.fault_points import write
from perennial.ledger.entries import BatchEntry
from perennial.page.index import summary_of
from perennial.page.publish import publish, publish_index
from perennial.serving.slots import tally_of_home
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.reading import list_use_cases

story = logging.getLogger("perennial.story")

_writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="page")
_begun: set[Future[None]] = set()


def refresh_page(workspace: Workspace, usecase: str) -> None:
    """Write the page, and its card on the first page, from the ledger. Raises OSError if the home cannot be written."""
    where, ledger = workspace.settings, workspace.ledger
    declaration = workspace.use_case(usecase).declaration
    batches = [row.payload for row in ledger.all(usecase, BatchEntry)]
    with write("page"):
        page = where.pages / f"{usecase}.html"
        tally = tally_of_home(where.measured)
        worth = kept_worth(where.backtests / usecase)
        history = publish(page, ledger, declaration, pages_of(where.docs, usecase, batches), tally, worth)
        publish_index(where.pages, where.locks, summary_of(history, declaration), list_use_cases(where.usecases))


def renew_page(usecase: str) -> None:
    """Begin to write the page in the background, after the pages begun before. The process ends when it is written.

    If it cannot be written, that is reported and nothing else happens: the ledger has everything that the page shows.
    """
    begun = _writer.submit(refresh_page, open_workspace(settings()), usecase)
    _begun.add(begun)
    begun.add_done_callback(lambda done: _ended(done, usecase))


def pages_written() -> None:
    """Wait until every page that was begun is written."""
    wait(tuple(_begun))


def _ended(begun: Future[None], usecase: str) -> None:
    if problem := begun.exception():
        story.warning("%s: the page could not be written, everything else was: %s", usecase, problem)
    _begun.discard(begun)
