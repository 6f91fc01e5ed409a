"""Writing the page of a use case beside the other stores of its home."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from perennial.ledger.ledger import Ledger
from perennial.page.history import history_of
from perennial.page.render import render
from perennial.page.view import view_of
from perennial.usecase.declaration import Declaration


def is_current(path: Path, ledger: Ledger, usecase: str) -> bool:
    """Whether the page at `path` was made from the ledger as it is: it names the newest row's hash."""
    newest = ledger.newest(usecase)
    return newest is not None and path.is_file() and newest.hash in path.read_text(encoding="utf-8")


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
