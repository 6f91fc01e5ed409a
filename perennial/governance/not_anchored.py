"""Places that lack an anchor, as differences that can be repaired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from perennial.governance.anchored import anchored_at, anchored_in_words, behind
from perennial.governance.anchoring import anchor_head
from perennial.governance.places import NotDelivered
from perennial.release.doctor import Disagreement
from perennial.store.workspace import Workspace


def not_anchored(workspace: Workspace, usecase: str, now: datetime) -> Iterator[Disagreement]:
    """One difference for all places that have no anchor, or whose last attempt failed. Looked at when iterated."""
    left = behind(list(anchored_at(workspace.settings, usecase).values()))
    if not left or workspace.ledger.newest(usecase) is None:
        return

    def mend() -> None:
        still = behind(anchor_head(workspace, usecase, now))
        if still:
            raise NotDelivered("; ".join(anchored_in_words(each) for each in still))

    yield Disagreement(
        f"the ledger's head is not anchored everywhere: {'; '.join(anchored_in_words(each) for each in left)}",
        "it is anchored",
        mend,
    )
