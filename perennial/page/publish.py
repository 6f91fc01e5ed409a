"""Writing the page of a use case, and the index of all, beside the other stores of its home."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from perennial.backtest.kept_worth import KeptWorth
from perennial.ledger.ledger import Ledger
from perennial.page.dossier import HTML
from perennial.page.history import History, history_of
from perennial.page.index import Summary, summaries
from perennial.page.render import render, render_index
from perennial.page.view import view_of
from perennial.serving.tally import Tally
from perennial.store.lock import only_one
from perennial.usecase.declaration import Declaration
from perennial.whole_file import write_whole


def is_current(path: Path, ledger: Ledger, usecase: str) -> bool:
    """Whether the page at `path` was made from the ledger as it is: it names the newest row's hash."""
    newest = ledger.newest(usecase)
    return newest is not None and path.is_file() and newest.hash in path.read_text(encoding="utf-8")


def publish(
    path: Path,
    ledger: Ledger,
    declaration: Declaration,
    data_docs: Mapping[str, Path],
    tally: Tally | None = None,
    worth: KeptWorth | None = None,
) -> History:
    """Write the page to `path` in one move, so that nobody reads half of it; returns the history that it shows.

    data_docs: the pages of checks by batch, the newest first; "" is their index. tally: of the home's services.
    worth: of retraining, as measured last.
    Raises OSError where the place cannot be written.
    """
    links = {batch: quote(os.path.relpath(page, path.parent)) for batch, page in data_docs.items()}
    folder = path.parent / "dossiers" / declaration.name
    dossiers = {
        each.parent.name: quote(os.path.relpath(each, path.parent)) for each in sorted(folder.glob(f"*/{HTML}"))
    }
    history = history_of(ledger, declaration, tally)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, render(view_of(history), links, dossiers, worth))
    return history


def publish_index(folder: Path, locks: Path, summary: Summary, names: Sequence[str]) -> None:
    """Leave a use case's summary beside its page, and write the first page from the summaries of `names`.

    Raises OSError where the place cannot be written, TransientError if another process holds it too long.
    """
    with only_one(locks, "all", "index"):
        leave_summary(folder, summary)
        write_whole(folder / "index.html", render_index(summaries(folder, names)))


def leave_summary(folder: Path, summary: Summary) -> None:
    """Leave a use case's summary beside its page, for the first page."""
    write_whole(folder / f"{summary.usecase}.json", summary.model_dump_json())
