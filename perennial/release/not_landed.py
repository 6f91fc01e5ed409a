"""Batches whose landed bytes are not where they should be, as differences that only a person can repair."""

from __future__ import annotations

from perennial.ledger.entries import BatchEntry, LabelBatchEntry
from perennial.release.doctor import Disagreement
from perennial.store.landing import Landing
from perennial.store.workspace import Workspace


def not_landed(workspace: Workspace, usecase: str) -> list[Disagreement]:
    """One difference for all batches whose bytes are missing; of what was erased, only what is left is needed."""
    ledger, landing = workspace.ledger, workspace.landing
    batches = [(f"batch {row.payload.window}", row.payload.landing) for row in ledger.all(usecase, BatchEntry)]
    labels = [(f"labels {row.payload.batch}", row.payload.landing) for row in ledger.all(usecase, LabelBatchEntry)]
    gone = _missing(landing, usecase, {name for _, name in (*batches, *labels)})
    missing = list(dict.fromkeys(what for what, name in (*batches, *labels) if name in gone))
    if not missing:
        return []
    which = missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1} more"
    return [
        Disagreement(
            f"the bytes of {which} are not in {workspace.files.where('landing')}",
            "set PERENNIAL_FILES_URI to where they are, or copy them here; without them these batches cannot be "
            "checked again, and an erasure does not reach them",
            None,
        )
    ]


def _missing(landing: Landing, usecase: str, names: set[str]) -> set[str]:
    there, erased = set(landing.names(usecase)), landing.erased(usecase)
    gone = set()
    for name in names:
        left = name
        while left in erased:
            left = erased[left]
        if left and left not in there:
            gone.add(name)
    return gone
