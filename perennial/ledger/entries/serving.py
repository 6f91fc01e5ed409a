"""Predictions: which release scored which batch, and which served ones were collected."""

from __future__ import annotations

from typing import Literal

from perennial.evaluation.results import left_out_if_none
from perennial.ledger.entries.entry import Recorded
from perennial.ledger.entries.training import Served


class BatchScored(Recorded):
    """A release's predictions for the accepted rows of a batch. Key: `batch@release_no`, so it scores a batch once.

    scored_at: by the use case's clock. digest: of keys and predictions. same_again: whether any of the rows, predicted
    again in other company, gets the same bits; only then may these predictions stand for others of the same model.
    of: `candidate` for the predictions of the model in a stage, which nobody is given; None for the live models'.
    failed: why the candidate has no prediction for any row; rows is 0 then. Both are left out of the row if None.
    """

    batch: str
    window: str
    release_no: int
    serves: tuple[Served, ...]
    features_digest: str
    rows: int
    scored_at: str
    digest: str
    same_again: bool
    table_version: int
    of: Literal["candidate"] | None = None
    failed: str | None = None

    @property
    def key(self) -> str:
        return scoring(self.batch, self.release_no, self.of)

    _without_none = left_out_if_none("of", "failed")


class SegmentCollected(Recorded):
    """Served predictions of a use case, moved from a segment of the log into its table. Key: the segment.

    rows: of this use case. first_at, last_at: when the first and the last were answered. digest: of the records.
    """

    segment: str
    rows: int
    first_at: str
    last_at: str
    releases: tuple[int, ...]
    digest: str
    table_version: int

    @property
    def key(self) -> str:
        return self.segment


def scoring(batch: str, release_no: int, of: Literal["candidate"] | None = None) -> str:
    """The name under which the predictions of a release, or of its candidate, for a batch are stored."""
    return f"{batch}@{release_no}{f'/{of}' if of else ''}"
