"""Writing the page of a use case beside the other stores of its home."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from perennial.ledger.entries import Approval, BatchEntry, Cycle, Decision, Episode, EpisodeClosed, Release, Waiver
from perennial.ledger.ledger import Ledger
from perennial.page.render import render
from perennial.page.view import History, view_of
from perennial.usecase.declaration import Declaration


def history_of(ledger: Ledger, declaration: Declaration) -> History:
    """What the ledger holds of a use case. An empty one is a history too: nothing came yet."""
    usecase = declaration.name
    newest = ledger.newest(usecase)
    return History(
        usecase=usecase,
        description=declaration.description,
        metric=declaration.primary,
        batches=[row.payload for row in ledger.all(usecase, BatchEntry)],
        decisions=[row.payload for row in ledger.all(usecase, Decision)],
        releases=[row.payload for row in ledger.all(usecase, Release)],
        cycles=[row.payload for row in ledger.all(usecase, Cycle)],
        episodes=[row.payload for row in ledger.all(usecase, Episode)],
        closed=[row.payload for row in ledger.all(usecase, EpisodeClosed)],
        approvals=[row.payload for row in ledger.all(usecase, Approval)],
        waivers=[row.payload for row in ledger.all(usecase, Waiver)],
        rows=newest.position if newest else 0,
        head=newest.hash if newest else "",
        recorded_at=newest.recorded_at if newest else "never",
    )


def publish(path: Path, ledger: Ledger, declaration: Declaration, data_docs: Mapping[str, Path]) -> None:
    """Write the page to `path` in one move, so that nobody reads half of it.

    data_docs: the pages of checks by batch, the newest first; "" is their index.
    Raises OSError where the place cannot be written.
    """
    links = {batch: quote(os.path.relpath(page, path.parent)) for batch, page in data_docs.items()}
    text = render(view_of(history_of(ledger, declaration)), links)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
