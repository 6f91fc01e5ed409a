"""Predictions: which release scored which batch."""

from __future__ import annotations

from perennial.ledger.entries.entry import Recorded
from perennial.ledger.entries.releases import Served


class BatchScored(Recorded):
    """A release's predictions for the accepted rows of a batch. Key: `batch@release_no`, so it scores a batch once.

    scored_at: by the use case's clock. digest: of keys and predictions. same_again: whether any of the rows, predicted
    again in other company, gets the same bits; only then may these predictions stand for others of the same model.
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

    @property
    def key(self) -> str:
        return scoring(self.batch, self.release_no)


def scoring(batch: str, release_no: int) -> str:
    """The name under which a release's predictions for a batch are stored."""
    return f"{batch}@{release_no}"
