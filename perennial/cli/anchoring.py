"""`anchor`: signed heads of the ledger outside the home."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.declared import in_ledger
from perennial.cli.output import as_json, flowing, say
from perennial.governance.anchored import anchored_in_words
from perennial.governance.anchoring import anchor_head, require_places
from perennial.settings import settings
from perennial.store.workspace import open_workspace


def anchor(usecase: str | None, json: bool) -> None:
    """Every chain, or one. Exit code 1 if a place did not take it."""
    require_places(settings())
    workspace = open_workspace(settings())
    views: list[dict[str, Any]] = []
    for name in in_ledger(workspace.ledger, usecase):
        for state in anchor_head(workspace, name, machine_clock.now()):
            views.append({"usecase": name, **asdict(state)})
            if not json:
                flowing(f"{name}: anchored: {anchored_in_words(state)}")
    if json:
        as_json(views)
    elif not views:
        say("The ledger is empty.")
    if any(view["failed"] for view in views):
        sys.exit(1)
